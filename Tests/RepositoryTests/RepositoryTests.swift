import Essentials
import Foundation
import Testing

/// The root of the repository, from this file's place in it.
private let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().path

private func text(_ path: String) throws -> String {
    try String(contentsOfFile: "\(root)/\(path)", encoding: .utf8)
}

/// Files below a folder, as paths from the root.
private func files(under folder: String, ending: String) -> [String] {
    let all = FileManager.default.enumerator(atPath: "\(root)/\(folder)")?.compactMap { $0 as? String } ?? []
    return all.filter { $0.hasSuffix(ending) }.map { "\(folder)/\($0)" }.sorted()
}

/// The floor of each module, as ARCHITECTURE.md has it.
private func floors() throws -> [String: Int] {
    var floors: [String: Int] = [:]
    for line in try text("Documentation/ARCHITECTURE.md").split(separator: "\n") {
        let cells = line.split(separator: "|").map { $0.trimmingCharacters(in: .whitespaces) }
        guard cells.count == 3, let floor = Int(cells[0]), cells[1].hasPrefix("`") else { continue }
        floors[cells[1].trimmingCharacters(in: ["`"])] = floor
    }
    return floors
}

/// The modules that the Swift files of a folder import.
private func imports(ofModule module: String) throws -> Set<String> {
    var found: Set<String> = []
    for path in files(under: "Sources/\(module)", ending: ".swift") {
        for line in try text(path).split(separator: "\n") {
            let words = line.split(separator: " ")
            guard let at = words.firstIndex(of: "import"), at <= 1, at + 1 < words.count else { continue }
            found.insert(String(words[at + 1]))
        }
    }
    return found
}

@Suite("The repository")
struct RepositoryTests {
    @Test func `modules import only modules on lower floors`() throws {
        let floors = try floors()
        #expect(floors.count >= 20)

        for (module, floor) in floors {
            for other in try imports(ofModule: module) {
                guard let below = floors[other] else { continue }
                #expect(below < floor, "\(module) on floor \(floor) imports \(other) on floor \(below)")
            }
        }
    }

    @Test func `every module has a floor`() throws {
        let floors = try floors()
        let folders = try FileManager.default.contentsOfDirectory(atPath: "\(root)/Sources").filter {
            $0.first != "."
        }

        #expect(Set(folders).subtracting(floors.keys).isEmpty)
        #expect(
            Set(floors.keys).subtracting(folders).subtracting([
                "CKernels", "CUDAKernelSources", "OpenCLKernelSources",
            ]).isEmpty)
    }

    /// The parser asks the runtime to describe the type of a command without a name, for all commands at each start.
    @Test func `every command says its name itself`() throws {
        var commands = 0
        for path in files(under: "Sources/heng", ending: ".swift") + ["Sources/hengd/Hengd.swift"] {
            let source = try text(path)
            for match in source.matches(
                of: /struct (\w+): (?:ParsableCommand|KitCommand|JobActionCommand|QueueSwitch) \{/)
            {
                commands += 1
                let body = source[match.range.upperBound...].prefix(400)
                #expect(
                    body.contains(/^\s*static let configuration = CommandConfiguration\(\s*commandName: "/),
                    "\(match.1) in \(path)")
            }
        }
        #expect(commands > 50)
    }

    @Test func `the scheduler and the load generator cannot see what they must not`() throws {
        let forbidden: Set = ["AcceleratorAPI", "TopologyDiscovery", "Foundation", "Glibc", "Dispatch"]

        #expect(try imports(ofModule: "Scheduling").isDisjoint(with: forbidden))
        #expect(
            try imports(ofModule: "LoadGeneration").isDisjoint(with: [
                "ComputeGraph", "Execution", "AcceleratorAPI",
            ]))
        #expect(
            try imports(ofModule: "ComputeGraph").isDisjoint(with: ["AcceleratorAPI", "KernelInterface"]))
        #expect(try !imports(ofModule: "AcceleratorAPI").contains("ComputeGraph"))
    }

    @Test func `only Backends names the concrete backends`() throws {
        let backends = try Set(floors().keys.filter { $0.hasSuffix("Backend") })
        #expect(backends.isSuperset(of: ["CPUBackend", "PluginBackend"]))
        for module in try floors().keys where module != "Backends" {
            #expect(try imports(ofModule: module).isDisjoint(with: backends), "\(module)")
        }
    }

    @Test func `Foundation stays in the programs and around the daemon`() throws {
        // What the protocol buffer compiler writes names Foundation for systems that have nothing smaller.
        let allowed: Set = ["heng", "hengd", "ControlAPI", "ControlPlane", "Store", "ONNXFormat"]
        for module in try floors().keys where !allowed.contains(module) {
            #expect(try !imports(ofModule: module).contains("Foundation"), "\(module)")
        }
    }

    @Test func `links in the documents lead somewhere`() throws {
        let documents = ["README.md"] + files(under: "Documentation", ending: ".md")
        for document in documents {
            let folder = URL(fileURLWithPath: "\(root)/\(document)").deletingLastPathComponent().path
            let parts = try text(document).components(separatedBy: "](").dropFirst()
            for part in parts {
                let target = part.prefix { $0 != ")" && $0 != "#" }
                guard !target.isEmpty, !target.hasPrefix("http") else { continue }
                let path = "\(folder)/\(target)"
                #expect(FileManager.default.fileExists(atPath: path), "\(document) links to \(target)")
            }
        }
    }

    @Test func `every document is reached from the README or another document`() throws {
        let documents = files(under: "Documentation", ending: ".md")
        let all = try (["README.md"] + documents).map(text).joined()
        for document in documents {
            let name = URL(fileURLWithPath: document).lastPathComponent
            #expect(all.contains(name), "\(document)")
        }
    }

    @Test func `every command of make that the documents name is there`() throws {
        let makefile = try text("Makefile")
        // A vendor's folder has a Makefile of its own.
        let documents = files(under: "Documentation", ending: ".md").filter {
            !$0.hasSuffix("vendor-device.md")
        }
        let lines = try (["README.md"] + documents).map(text).joined(separator: "\n")
        for line in lines.split(separator: "\n") where line.hasPrefix("make ") {
            let words = line.split(separator: " ")
            // Another folder has a Makefile of its own, and settings are no targets.
            guard !words.contains("-C"), let target = words.dropFirst().first(where: { !$0.contains("=") })
            else {
                continue
            }
            #expect(makefile.contains("\n\(target):"), "\(line)")
        }
    }
}
