/// A value that this machine or this run may not be able to give, and then says why.
///
/// A zero or an empty field would look like a measurement. Whoever prints one of these has to print the reason.
package enum Reading<Value: Sendable>: Sendable {
    case available(Value)
    case unavailable(reason: String)

    package var value: Value? {
        if case .available(let value) = self { value } else { nil }
    }

    package var reason: String? {
        if case .unavailable(let reason) = self { reason } else { nil }
    }

    package func map<Other: Sendable>(_ transform: (Value) -> Other) -> Reading<Other> {
        switch self {
        case .available(let value): .available(transform(value))
        case .unavailable(let reason): .unavailable(reason: reason)
        }
    }
}

extension Reading: Equatable where Value: Equatable {}
