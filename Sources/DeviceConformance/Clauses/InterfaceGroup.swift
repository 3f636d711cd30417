/// One of the parts of `heng_accelerator.h` that a library may have or not, and what tests it.
package struct InterfaceGroup: Hashable, Sendable {
    /// As reports name it.
    package var name: String
    /// The table that the group is.
    package var table: String
    /// Patterns of the cases that call it; none where it is only declared.
    package var cases: [String]

    package static let all = [
        InterfaceGroup(
            name: "operators", table: "heng_operator_table",
            cases: ["operators/*", "models/made/*", "models/onnx/*", "determinism/*"]),
        InterfaceGroup(name: "kernels", table: "heng_kernel_table", cases: ["runtime/kernel/*"]),
        InterfaceGroup(name: "models", table: "heng_model_table", cases: ["models/table/*"]),
        InterfaceGroup(name: "graphs", table: "heng_graph_table", cases: ["models/graph/*"]),
        InterfaceGroup(name: "recordings", table: "heng_recording_table", cases: ["runtime/recording/*"]),
        InterfaceGroup(name: "profiling", table: "heng_profile_table", cases: ["runtime/profile/*"]),
        InterfaceGroup(name: "selection", table: "heng_selection_table", cases: ["runtime/selection/*"]),
        InterfaceGroup(name: "callbacks", table: "heng_callback_table", cases: ["runtime/callback/*"]),
        InterfaceGroup(
            name: "interchange", table: "heng_interchange_table", cases: ["runtime/interchange/*"]),
        InterfaceGroup(name: "collectives", table: "heng_collective_table", cases: []),
        InterfaceGroup(name: "media", table: "heng_media_table", cases: []),
    ]

    /// How the group stands, or with a report how the device fared.
    package func status(in result: KitResult?) -> String {
        guard let result else {
            let count = DeviceCases.all.count { given in cases.contains { Glob.matches(given.id, $0) } }
            return cases.isEmpty
                ? "declared, not offered by any device yet" : "\(count) cases of the bare table"
        }
        guard result.device.groups.contains(name) else { return "not offered" }
        guard !cases.isEmpty else { return "offered, and no case asks for it" }
        let executed = result.results.filter { found in
            found.verdict.isExecuted && cases.contains { Glob.matches(found.name, $0) }
        }
        let passed = executed.count { $0.verdict == .pass }
        guard !executed.isEmpty else { return "offered, nothing executed" }
        return passed == executed.count
            ? "passes (\(passed) cases)"
            : "does not pass (\(executed.count - passed) of \(executed.count) fail)"
    }
}
