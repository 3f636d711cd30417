internal import Essentials
internal import FoundationEssentials
internal import Results

/// The cases of a folder, as the ONNX project lays them out.
package enum CaseDiscovery {
    /// All cases of a folder that holds groups, or of one group's own folder, by group and name.
    ///
    /// Only names that the filter accepts are looked at.
    package static func cases(in folder: String, where accepts: (String) -> Bool) throws -> [ConformanceCase]
    {
        let names = try names(in: folder)
        let groups = ConformanceGroup.allCases.filter { names.contains($0.rawValue) }
        guard groups.isEmpty else {
            return try groups.flatMap {
                try cases(of: $0, in: "\(folder)/\($0.rawValue)", light: "\(folder)/light", accepts)
            }
        }
        let own = folder.split(separator: "/").last.flatMap { ConformanceGroup(rawValue: String($0)) }
        return try cases(of: own ?? .node, in: folder, light: "\(folder)/../light", accepts)
    }

    private static func cases(
        of group: ConformanceGroup, in folder: String, light: String, _ accepts: (String) -> Bool
    ) throws -> [ConformanceCase] {
        try names(in: folder).filter { $0.hasPrefix("test_") && accepts($0) }.compactMap { name in
            let place = "\(folder)/\(name)"
            let described = try DescribedCase(in: place)
            let model = "\(place)/model.onnx"
            if FileManager.default.fileExists(atPath: model) {
                let sets = try names(in: place).filter { $0.hasPrefix("test_data_set_") }
                return ConformanceCase(
                    name: name, group: group, model: model, data: .folders(sets.map { "\(place)/\($0)" }),
                    tolerance: described?.tolerance)
            }
            return try described?.lightCase(name, group, light)
        }
    }

    fileprivate static func names(in folder: String) throws -> [String] {
        do {
            return try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
        } catch {
            throw Failure(
                "The folder \(folder) cannot be read.",
                nextStep: "Name the folder of the cases with --cases.",
                exitCode: .setupMissing, cause: error)
        }
    }
}

/// What `data.json` beside or instead of a model says.
private struct DescribedCase: Decodable {
    var url: String?
    var rtol: Double?
    var atol: Double?

    /// Nil where the folder has no such file.
    init?(in folder: String) throws {
        let path = "\(folder)/data.json"
        guard FileManager.default.fileExists(atPath: path) else { return nil }
        let bytes = try DurableFile.read(path, limit: .mebibytes(1))
        do {
            self = try JSONDecoder().decode(DescribedCase.self, from: Data(bytes))
        } catch {
            throw Failure("\(path) is not the description of a case.", exitCode: .setupMissing, cause: error)
        }
    }

    var tolerance: Tolerance? {
        guard rtol != nil || atol != nil else { return nil }
        let usual = Tolerance.strict
        return Tolerance(relative: rtol ?? usual.relative, absolute: atol ?? usual.absolute)
    }

    /// The case of a model that lies in the folder `light`, by the last part of its address.
    func lightCase(
        _ name: String, _ group: ConformanceGroup, _ light: String
    ) throws -> ConformanceCase? {
        guard let file = url?.split(separator: "/").last, file.hasSuffix(".onnx") else { return nil }
        let stem = file.dropLast(".onnx".count)
        let outputs = try CaseDiscovery.names(in: light).filter {
            $0.hasPrefix("\(stem)_output_") && $0.hasSuffix(".pb")
        }
        return ConformanceCase(
            name: name, group: group, model: "\(light)/\(file)",
            data: .ruledInputs(outputs: outputs.map { "\(light)/\($0)" }), tolerance: tolerance)
    }
}
