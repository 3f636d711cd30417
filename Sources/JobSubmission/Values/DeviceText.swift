package import Essentials
package import Scheduling

/// `--device KIND[:share][,mem=8G][,cores=2]`: the device of each rank, or the part of one.
package struct DeviceText: Hashable, Sendable {
    package var kind: String
    package var share: DeviceShare?
    package var memory: ByteCount?
    package var cores: CoreAmount?

    /// Reads `gpu`, `gpu:0.5`, `gpu:0.5,mem=8G` and `cpu:0.25,cores=1`.
    package init(_ text: String, option: String = "--device") throws(Failure) {
        let parts = text.split(separator: ",", omittingEmptySubsequences: false)
        let sides = parts[0].split(separator: ":", omittingEmptySubsequences: false)
        guard sides.count <= 2, DeviceText.isKind(sides[0]) else { throw DeviceText.malformed(text, option) }
        kind = String(sides[0])
        if sides.count == 2 { share = try DeviceText.share(sides[1], of: kind, option) }
        for part in parts.dropFirst() {
            let pair = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard pair.count == 2 else { throw DeviceText.malformed(text, option) }
            switch pair[0] {
            case "mem", "memory":
                memory = try Amounts.memory(String(pair[1]), option: "\(option) \(kind),mem=")
            case "cores": cores = try Amounts.cores(String(pair[1]), option: "\(option) \(kind),cores=")
            default:
                throw mistake(
                    "\(option) \(shown(text)) has the part '\(shown(pair[0]))', which is none.",
                    "Beside the share there are mem and cores, as in \(option) gpu:0.5,mem=8G,cores=2.")
            }
        }
    }

    /// Counts of devices are refused, because each rank has one device.
    private static func share(_ text: Substring, of kind: String, _ option: String) throws(Failure)
        -> DeviceShare
    {
        guard let share = DeviceShare(parsing: String(text)) else {
            throw mistake(
                "\(option) \(kind):\(shown(text)) has no share behind the colon.",
                "Write the part of one device there, over 0 and up to 1, as in \(option) \(kind):0.5.")
        }
        if share > .whole {
            let advice =
                share.units % DeviceShare.unitsPerDevice == 0
                ? "For \(text) devices use --ranks \(text) --device \(kind): each rank has one."
                : "For more than one device use --ranks with --device \(kind): each rank has one."
            throw mistake("\(option) \(kind):\(shown(text)) is more than one device.", advice)
        }
        if share == .zero {
            throw mistake(
                "\(option) \(kind):\(shown(text)) is a share of nothing; the number is a part and not a device's number.",
                kind == ResourceRequest.cpu
                    ? "For the NUMA node 0 use --numa 0." : "Use \(option) \(kind) for any whole one.")
        }
        return share
    }

    private static func isKind(_ text: Substring) -> Bool {
        !text.isEmpty && text.count <= 40
            && text.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || "-_".contains($0)) }
    }

    private static func malformed(_ text: String, _ option: String) -> Failure {
        mistake(
            "\(option) \(shown(text)) is not a device.",
            "Write the kind and the part of one, as in \(option) cpu:0.25, gpu or gpu:0.5,mem=8G.")
    }
}
