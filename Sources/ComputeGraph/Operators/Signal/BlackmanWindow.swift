/// The Blackman window: `0.42 - 0.5 cos(t) + 0.08 cos(2 t)`.
package struct BlackmanWindow: CosineWindow {
    package static let name = "BlackmanWindow"
    package static let coefficients = [0.42, 0.5, 0.08]
    package static let schema = windowSchema("The Blackman window.")
    package var size: Int
    package var isPeriodic: Bool
    package var element: ElementType

    package init(size: Int, isPeriodic: Bool = true, element: ElementType = .float32) {
        self.size = size
        self.isPeriodic = isPeriodic
        self.element = element
    }
}
