internal import Essentials
internal import Results

/// How a training went: accuracy against time with the target, and the loss.
enum TrainingPlot {
    static func figures(_ workload: WorkloadResult) -> [String] {
        [accuracy(workload), loss(workload)].compactMap { $0 }
    }

    private static func accuracy(_ workload: WorkloadResult) -> String? {
        let runs = workload.training.map { run in
            run.history.compactMap { point in point.accuracy.map { (x: point.seconds, y: $0 * 100) } }
        }
        guard let target = workload.training.first?.target, let end = runs.joined().map(\.x).max() else {
            return nil
        }
        let lowest = min(runs.joined().map(\.y).min() ?? 0, target * 100)
        let reached = workload.training.count { $0.reached }
        var plot = Plot(
            title: "Accuracy of \(workload.name)",
            description:
                "\(reached) of \(workload.training.count) runs reached the target of \(percent(target))",
            xTitle: "time in s", yTitle: "held-out accuracy in %", x: .linear(from: 0, to: end),
            y: .linear(from: lowest, to: 100))
        for (index, run) in runs.enumerated() {
            plot.addLine(run, series: index)
            if workload.training[index].reached, let last = run.last(where: { $0.y >= target * 100 }) {
                plot.addPoint(
                    last, series: index,
                    tip:
                        "seed \(workload.training[index].seed): target after \(number(workload.training[index].seconds)) s"
                )
            }
        }
        plot.addHorizontalMark(target * 100, "target \(percent(target))", style: "limit")
        return
            "<figure>\(plot.svg)<figcaption>\(escaped(workload.name)): \(escaped(plot.description))</figcaption></figure>"
    }

    private static func loss(_ workload: WorkloadResult) -> String? {
        let runs = workload.training.map {
            $0.history.filter { $0.loss > 0 }.map { (x: $0.seconds, y: $0.loss) }
        }
        let points = Array(runs.joined())
        guard let end = points.map(\.x).max(), let low = points.map(\.y).min(),
            let high = points.map(\.y).max()
        else { return nil }
        var plot = Plot(
            title: "Loss of \(workload.name)",
            description: "the loss fell from \(number(points[0].y)) to \(number(low)) at its lowest",
            xTitle: "time in s", yTitle: "loss (logarithmic)", x: .linear(from: 0, to: end),
            y: .logarithmic(from: low, to: high))
        for (index, run) in runs.enumerated() { plot.addLine(run, series: index) }
        return
            "<figure>\(plot.svg)<figcaption>\(escaped(workload.name)): \(escaped(plot.description))</figcaption></figure>"
    }
}
