/// The Hann window: `0.5 - 0.5 cos(t)`.
package struct HannWindow: CosineWindow {
    package static let name = "HannWindow"
    package static let coefficients = [0.5, 0.5, 0]
    package static let schema = windowSchema("The Hann window.")
    package var size: Int
    package var isPeriodic: Bool
    package var element: ElementType

    package init(size: Int, isPeriodic: Bool = true, element: ElementType = .float32) {
        self.size = size
        self.isPeriodic = isPeriodic
        self.element = element
    }
}
