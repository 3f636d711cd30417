/// The Hamming window: `25/46 - 21/46 cos(t)`.
package struct HammingWindow: CosineWindow {
    package static let name = "HammingWindow"
    package static let coefficients = [25.0 / 46, 21.0 / 46, 0]
    package static let schema = windowSchema("The Hamming window.")
    package var size: Int
    package var isPeriodic: Bool
    package var element: ElementType

    package init(size: Int, isPeriodic: Bool = true, element: ElementType = .float32) {
        self.size = size
        self.isPeriodic = isPeriodic
        self.element = element
    }
}
