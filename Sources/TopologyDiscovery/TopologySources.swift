package import Essentials
package import HardwareTopology

extension Topology {
    /// Larger than any description we accept could be; a file beyond it is refused unread.
    package static let largestFile = ByteCount.mebibytes(64)

    /// The machine this program runs on: all of it, also the processing units the program may not use.
    ///
    /// Takes some 10 ms on a small machine. Devices are found on the PCI bus; no driver is loaded.
    /// See `allowedCPUs` for what this program may use.
    package static func discover() throws(TopologyError) -> Topology {
        do {
            let machine = try HwlocMachine.live()
            guard machine.isThisMachine else {
                throw TopologyError.otherMachine(variable: shadowingVariable() ?? "An HWLOC_ variable")
            }
            let name = hostName() ?? "localhost"
            var topology = try read(document: try machine.xml(), name: name, source: .live)
            topology.correctLiveMemory()
            topology.fillLiveDistances()
            return topology
        } catch let error as TopologyError {
            throw error
        } catch {
            // What the variable names may not even be a machine.
            if let variable = shadowingVariable() { throw .otherMachine(variable: variable) }
            throw .discoveryFailed(reason: reason(of: error))
        }
    }

    /// A machine recorded in hwloc's XML format, as `lstopo-no-graphics machine.xml` writes it.
    package init(xmlFile file: String) throws(TopologyError) {
        let document = try textOfFile(file, limit: Self.largestFile)
        let stem = file.split(separator: "/").last.map { $0.hasSuffix(".xml") ? $0.dropLast(4) : $0 }
        try self.init(xmlDocument: document, name: String(stem ?? ""), file: file)
    }

    /// The same from the document's text; `name` is the machine's where the document has none.
    package init(xmlDocument document: String, name: String, file: String = "document") throws(TopologyError)
    {
        do {
            self = try Self.read(
                document: document, name: nil, fallback: name, source: .xml(file: file))
        } catch {
            throw .malformed(file: file, reason: Self.reason(of: error))
        }
    }

    /// A made-up machine from levels with counts, from the outside in: `numa:4 core:8 pu:2`.
    package init(synthetic text: String) throws(TopologyError) {
        do {
            let description = try SyntheticDescription(text)
            let document = try HwlocMachine.synthetic(description.text).xml()
            self = try Self.read(
                document: document, name: "synthetic", source: .synthetic(description: text))
        } catch let problem as HwlocProblem {
            // The pieces are right one by one, so it is their order that hwloc will not have.
            throw .badSynthetic(
                text: text, reason: "its levels do not fit into each other (\(problem.reason))")
        } catch {
            throw .badSynthetic(text: text, reason: Self.reason(of: error))
        }
    }

    /// The machine that a command line names: `FILE.xml`, or `synthetic:` and levels.
    package static func load(from text: String) throws(TopologyError) -> Topology {
        let prefix = "synthetic:"
        guard text.hasPrefix(prefix) else { return try Topology(xmlFile: text) }
        return try Topology(synthetic: String(text.dropFirst(prefix.count)))
    }
}

extension Topology {
    private static func read(
        document: String, name: String?, fallback: String = "", source: Source
    ) throws -> Topology {
        let reading = try TopologyReading(root: XMLElement(document: document))
        return try reading.topology(name: name ?? reading.hostName ?? fallback, source: source)
    }

    private static func reason(of error: any Error) -> String {
        switch error {
        case let problem as XMLProblem: "\(problem.reason) (line \(problem.line))"
        case let problem as ReadingProblem: problem.reason
        case let problem as HwlocProblem: "hwloc says \"\(problem.reason)\""
        default: "\(error)"
        }
    }
}
