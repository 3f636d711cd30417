/// The bits of unsigned integers moved up or down by as many places as the second operand says; zeros move
/// in.
package struct BitShift: WholeBroadcastingOperator {
    package static let schema = OperatorSchema(
        "BitShift", since: 11, "The bits of X moved by Y places; zeros move in.",
        inputs: [.required("X", .unsigned, "any shape"), .required("Y", .unsigned, "broadcasts with X")],
        outputs: [.required("Z", .unsigned, "the shape that X and Y take together")],
        attributes: [
            .string("direction", nil, "LEFT towards the higher bits, RIGHT towards the lower").required
        ])

    /// To which end bits move.
    package enum Direction: String, Hashable, Sendable {
        case left = "LEFT"
        case right = "RIGHT"
    }
    package var direction: Direction

    package init(_ direction: Direction) { self.direction = direction }

    package init(_ call: OperatorCall) throws {
        let name = try call.string("direction")
        guard let direction = Direction(rawValue: name) else {
            throw call.error("direction is LEFT or RIGHT, not \(name)")
        }
        self.direction = direction
    }

    package func whole(_ left: Int128, _ right: Int128) -> Int128 {
        direction == .left ? left << right : left >> right
    }
}
