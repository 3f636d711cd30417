/// A range that contains the true value with the stated probability, and how it was found.
package struct Interval: Equatable, Sendable {
    package var low: Double
    package var high: Double
    /// Between 0 and 1.
    package var confidence: Double
    package var method: String

    package init(low: Double, high: Double, confidence: Double, method: String) {
        self.low = low
        self.high = high
        self.confidence = confidence
        self.method = method
    }

    package var halfWidth: Double { (high - low) / 2 }
    package func contains(_ value: Double) -> Bool { low <= value && value <= high }
}
