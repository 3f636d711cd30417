internal import Essentials
internal import Results

/// Where workloads stand under the machine's measured ceilings.
///
/// The horizontal axis is work per byte that must move, from the shapes of the operators; counters would show
/// more bytes and so a point further left.
enum RooflinePlot {
    private struct Point {
        var name: String
        var intensity: Double
        var rate: Double
        var roof: Double
    }

    private struct Roof {
        var place: String
        var peak: Double
        var bandwidth: Double

        func height(at intensity: Double) -> Double { min(peak, bandwidth * intensity) }
    }

    /// Nil without a measured ceiling or without work to show.
    static func figure(_ result: RunResult) -> String? {
        let roofs = result.ceilings.compactMap(roof)
        let points = result.workloads.compactMap { point($0, roofs) }
        guard !roofs.isEmpty, !points.isEmpty else { return nil }
        let plot = draw(roofs, points)
        let items = points.enumerated().map { index, point in
            let share = point.rate / point.roof
            let remark =
                share > 1 ? " Above the roof: FLOP or bytes are miscounted, or the ceiling is too low." : ""
            return "<li value=\"\(index + 1)\">\(escaped(point.name)): \(scaled(point.rate))FLOP/s, "
                + "\(percent(share)) of its roof.\(remark)</li>"
        }
        return """
            <figure>\(plot.svg)<figcaption>Roofline: \(escaped(plot.description))
            <ol class="points">\(items.joined())</ol></figcaption></figure>
            """
    }

    private static func roof(_ ceiling: CeilingRecord) -> Roof? {
        guard let peak = ceiling.flops["fp32"] ?? ceiling.flops.values.max(),
            let bandwidth = ceiling.bandwidth["dram"] ?? ceiling.bandwidth.values.min(), peak > 0,
            bandwidth > 0
        else { return nil }
        return Roof(place: ceiling.place, peak: peak, bandwidth: bandwidth)
    }

    private static func point(_ workload: WorkloadResult, _ roofs: [Roof]) -> Point? {
        guard let work = workload.work,
            let roof = roofs.first(where: { $0.place == work.place }) ?? roofs.first,
            work.compulsoryBytesPerSample > 0, work.flopPerSample > 0, work.samplesPerSecond > 0
        else { return nil }
        let intensity = work.flopPerSample / work.compulsoryBytesPerSample
        return Point(
            name: "\(workload.name), \(words(workload.scenario))", intensity: intensity,
            rate: work.flopPerSample * work.samplesPerSecond, roof: roof.height(at: intensity))
    }

    private static func draw(_ roofs: [Roof], _ points: [Point]) -> Plot {
        let ridges = roofs.map { $0.peak / $0.bandwidth }
        let intensities = points.map(\.intensity)
        let left = min(ridges.min() ?? 1, intensities.min() ?? 1) / 4
        let right = max(ridges.max() ?? 1, intensities.max() ?? 1) * 4
        let peak = max(roofs.map(\.peak).max() ?? 1, points.map(\.rate).max() ?? 1)
        let lowest = min(points.map(\.rate).min() ?? peak, roofs.map { $0.height(at: left) }.min() ?? peak)
        let names = roofs.map {
            "\($0.place) \(scaled($0.peak))FLOP/s and \(scaled($0.bandwidth))B/s"
        }
        var plot = Plot(
            title: "Roofline", description: "measured ceilings \(names.joined(separator: "; "))",
            xTitle: "FLOP per byte that must move (model bytes)", yTitle: "FLOP/s",
            x: .logarithmic(from: left, to: right), y: .logarithmic(from: lowest / 2, to: peak * 1.5))
        for (index, roof) in roofs.enumerated() {
            plot.addLine(
                [left, roof.peak / roof.bandwidth, right].map { (x: $0, y: roof.height(at: $0)) },
                series: index)
        }
        addPoints(points, to: &plot)
        return plot
    }

    /// Points with numbers, which step aside when they would touch an earlier one.
    private static func addPoints(_ points: [Point], to plot: inout Plot) {
        var taken: [(x: Double, y: Double)] = []
        for (index, point) in points.enumerated() {
            plot.addPoint((x: point.intensity, y: point.rate), series: index + 1, tip: point.name)
            var label = (x: plot.xPosition(point.intensity) + 12, y: plot.yPosition(point.rate) + 4)
            while taken.contains(where: { abs($0.x - label.x) < 13 && abs($0.y - label.y) < 12 }) {
                label.x += 14
            }
            taken.append(label)
            plot.addText("\(index + 1)", x: label.x, y: label.y, anchor: "middle", style: "label")
        }
    }
}
