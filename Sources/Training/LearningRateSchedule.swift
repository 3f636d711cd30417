#if canImport(Glibc)
internal import Glibc
#endif

/// The learning rate as a function of the step, counted from 0.
package enum LearningRateSchedule: Hashable, Sendable {
    case constant(Double)
    /// A straight rise to the peak over the warm-up, then half a cosine down to the last rate at `steps`.
    case cosine(peak: Double, warmUpSteps: Int, steps: Int, last: Double = 0)

    package func rate(atStep step: Int) -> Double {
        switch self {
        case .constant(let rate): return rate
        case .cosine(let peak, let warmUp, let steps, let last):
            if step < warmUp { return peak * Double(step + 1) / Double(warmUp) }
            let progress = min(1, Double(step - warmUp) / Double(max(1, steps - warmUp)))
            return last + (peak - last) * (1 + cos(Double.pi * progress)) / 2
        }
    }
}
