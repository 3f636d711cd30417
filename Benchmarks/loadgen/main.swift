import Essentials
import LoadGeneration
import Results

// What the load generator costs by itself. Build in release mode with HENG_BENCHMARKS=1.

for metric in [
    try GeneratorCost.offlineRate(), try GeneratorCost.queryCost(), try GeneratorCost.issueSlip(),
] {
    let value = metric.value?.formatted(significant: 4) ?? "-"
    let range =
        metric.low.flatMap { low in
            metric.high.map { "\(low.formatted(significant: 4)) … \($0.formatted(significant: 4))" }
        } ?? metric.reason ?? ""
    print("\(metric.name.padded(to: 34)) \(value.leftPadded(to: 12)) \(metric.unit.padded(to: 10)) \(range)")
}
