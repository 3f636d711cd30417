internal import Essentials
internal import Results
internal import Telemetry

/// The distribution of a workload's latencies, with its percentile's bound and its limit marked.
enum LatencyPlot {
    /// Nil when there are too few samples for a curve, or in Offline, where one query has one time.
    static func figure(_ workload: WorkloadResult, samples: [SampleRecord]) -> String? {
        guard workload.scenario != "offline" else { return nil }
        let sorted = SortedSamples(samples.compactMap { $0.latency.map { Double($0) / 1e6 } })
        guard sorted.count >= 2, let low = sorted.minimum, let high = sorted.maximum else { return nil }
        let tail = workload.metrics.first { $0.method.hasPrefix("early-stopping") && $0.high != nil }
        let bound = tail?.high
        let limit = latencyLimit(of: workload)
        let marks = [bound, limit].compactMap { $0 }
        let last = max(high, marks.max() ?? high)
        let isWide = low > 0 && last / low > 8

        let name = "\(workload.name), \(words(workload.scenario))"
        var plot = Plot(
            title: "Latency of \(name)",
            description: describe(sorted, tail: tail, limit: limit),
            xTitle: "latency in ms\(isWide ? " (logarithmic)" : "")", yTitle: "share of queries in %",
            x: isWide ? .logarithmic(from: low, to: last) : .linear(from: min(low, last * 0.5), to: last),
            y: .linear(from: 0, to: 100))
        plot.addSteps(curve(of: sorted), series: 0)
        var row = 0
        if let limit {
            plot.addVerticalMark(limit, "limit \(number(limit)) ms", style: "limit", row: row)
            row += 1
        }
        if let bound, let tail {
            let percentile = tail.name.split(separator: "_").last.map(String.init) ?? ""
            plot.addVerticalMark(bound, "\(percentile) ≤ \(number(bound)) ms", style: "bound", row: row)
        }
        return
            "<figure>\(plot.svg)<figcaption>\(escaped(name)): \(escaped(plot.description))</figcaption></figure>"
    }

    static func latencyLimit(of workload: WorkloadResult) -> Double? {
        switch workload.params["latency_limit_ns"] {
        case .whole(let value): Double(value) / 1e6
        case .number(let value): value / 1e6
        case .flag, .text, nil: nil
        }
    }

    /// At most a few hundred corners, more than a screen shows, with the tail kept finest.
    private static func curve(of sorted: SortedSamples) -> [(x: Double, y: Double)] {
        let count = sorted.count
        let coarse: [Int] = (0...300).map { $0 * (count - 1) / 300 }
        let ranks: [Int] = coarse + Array(max(0, count - 60)..<count)
        var points = [(x: sorted.values[0], y: 0.0)]
        var last = -1
        for rank in ranks.sorted() where rank > last {
            points.append((x: sorted.values[rank], y: 100 * Double(rank + 1) / Double(count)))
            last = rank
        }
        return points
    }

    private static func describe(_ sorted: SortedSamples, tail: Metric?, limit: Double?) -> String {
        var text = "\(sorted.count) queries, median \(number(sorted.median ?? 0)) ms"
        if let tail, let bound = tail.high {
            text +=
                ", \(words(tail.name)) at most \(number(bound)) ms with \(percentText(tail.confidence ?? 0)) confidence"
        } else {
            text += ", too few for a bound of a high percentile"
        }
        if let limit { text += ", limit \(number(limit)) ms" }
        return text
    }
}
