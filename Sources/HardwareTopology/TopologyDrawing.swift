package import Essentials

/// A machine as a picture: an SVG with packages, memory nodes, caches, cores and threads inside each other.
///
/// The text stands alone (no scripts, fonts or addresses) and may be put into an HTML page as it is: all its
/// styles begin with its class, it has no ids, and it follows the reader's light or dark scheme.
package struct TopologyDrawing {
    private let topology: Topology
    private let lent: [(label: String, cpus: CPUSet)]
    private let layout: DrawingLayout
    /// For each unit the places in `lent` of those it is lent to; a shared one has several.
    private var borrowers: [Int: [Int]] = [:]

    /// `lent` marks units with the virtual devices they are lent to, each in a colour of its own with a legend.
    package init(_ topology: Topology, lent: [(label: String, cpus: CPUSet)] = []) {
        self.topology = topology
        self.lent = lent
        layout = DrawingLayout(topology)
        for (index, loan) in lent.enumerated() {
            for unit in loan.cpus.units { borrowers[unit, default: []].append(index) }
        }
    }

    /// The picture as an `<svg>` element.
    package var svg: String {
        let machine = layout.machine()
        var body: [String] = []
        draw(machine, x: DrawingLayout.gap, y: DrawingLayout.gap, into: &body)
        let machineWidth = machine.width + 2 * DrawingLayout.gap
        var extent = (width: machineWidth, height: machine.height + 2 * DrawingLayout.gap)
        drawLegend(below: &extent, into: &body)
        drawDistances(below: &extent, into: &body)
        let (width, height) = (extent.width.svg, extent.height.svg)
        let name = "Topology of \(topology.printableName): \(topology.counts)".escapedForXML
        let head =
            "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"heng-topology\" role=\"img\""
            + " aria-label=\"\(name)\" viewBox=\"0 0 \(width) \(height)\" width=\"\(width)\" height=\"\(height)\">"
        return ([head, DrawingStyle.element] + body + ["</svg>"]).joined(separator: "\n") + "\n"
    }
}

extension TopologyDrawing {
    private func draw(_ box: DrawingBox, x: Double, y: Double, into body: inout [String]) {
        switch box.content {
        case .container(let part, let title, let detail):
            drawContainer(box, part, title, detail, x: x, y: y, into: &body)
        case .core(let core, let caches): drawCore(core, caches, box, x: x, y: y, into: &body)
        case .device(let device):
            body.append(rectangle("device", x, y, box.width, box.height))
            body.append(text("small", x + 7, y + 14, topology.devices[device].line))
        }
        for child in box.children { draw(child, x: x + child.x, y: y + child.y, into: &body) }
    }

    private func drawContainer(
        _ box: DrawingBox, _ part: TopologyTree.Part, _ title: String, _ detail: String, x: Double, y: Double,
        into body: inout [String]
    ) {
        let style =
            switch part {
            case .machine: "machine"
            case .package: "package"
            case .node: "node"
            case .cache, .core: "cache"
            }
        let room = Int(
            ((box.width - 2 * DrawingLayout.padding) / DrawingLayout.textWidth("x", size: 11)).rounded())
        let shown = detail.count > room ? detail.prefix(max(0, room - 1)) + "…" : detail[...]
        body.append(rectangle(style, x, y, box.width, box.height, title: "\(title): \(detail)"))
        body.append(text("title", x + DrawingLayout.padding, y + 19, title))
        body.append(text("small", x + DrawingLayout.padding, y + 34, String(shown)))
    }

    private func drawCore(
        _ core: Int, _ caches: [Int], _ box: DrawingBox, x: Double, y: Double, into body: inout [String]
    ) {
        let description = topology.description(ofCore: core, caches: caches)
        body.append(rectangle("core", x, y, box.width, box.height, title: "Core \(core): \(description)"))
        var top = y + (layout.isDetailed ? 4 : 2)
        for cache in caches {
            body.append(rectangle("strip", x + 3, top, box.width - 6, DrawingLayout.cacheHeight))
            body.append(text("tiny middle", x + box.width / 2, top + 10, topology.caches[cache].label))
            top += DrawingLayout.cacheHeight + 2
        }
        if layout.isDetailed {
            body.append(text("tiny", x + 4, top + 9, "core \(core)"))
            top += 13
        }
        drawThreads(of: core, x: x, y: top, width: box.width, into: &body)
    }

    private func drawThreads(
        of core: Int, x: Double, y: Double, width: Double, into body: inout [String]
    ) {
        let units = topology.cores[core].cpus.units
        let columns = min(units.count, DrawingLayout.threadsPerRow)
        let gap = layout.isDetailed ? 2.0 : 1.0
        let size =
            layout.isDetailed
            ? (width: (width - 6 + gap) / Double(columns) - gap, height: DrawingLayout.threadHeight)
            : (width: DrawingLayout.compactThread, height: DrawingLayout.compactThread)
        for (index, unit) in units.enumerated() {
            let left = x + (layout.isDetailed ? 3 : 2) + Double(index % columns) * (size.width + gap)
            drawThread(
                unit, x: left, y: y + Double(index / columns) * (size.height + gap), size: size, into: &body)
        }
    }

    /// One processing unit; lent to several, it is divided among their colours.
    private func drawThread(
        _ unit: Int, x: Double, y: Double, size: (width: Double, height: Double), into body: inout [String]
    ) {
        let borrowers = borrowers[unit] ?? []
        let names = borrowers.map { lent[$0].label }.joined(separator: ", ")
        let title = "CPU \(unit)" + (names.isEmpty ? "" : ", lent to \(names)")
        body.append(rectangle("thread", x, y, size.width, size.height, title: title))
        let share = size.width / Double(max(1, borrowers.count))
        for (index, borrower) in borrowers.enumerated() {
            let style = "lent\(borrower % DrawingStyle.loanColours.count)"
            body.append(rectangle(style, x + Double(index) * share, y, share, size.height, title: title))
        }
        guard layout.isDetailed else { return }
        let style =
            borrowers.count > 1
            ? " onMany" : borrowers.first.map { " on\($0 % DrawingStyle.loanColours.count)" } ?? ""
        body.append(text("tiny middle\(style)", x + size.width / 2, y + size.height / 2 + 3, "\(unit)"))
    }

    private func drawLegend(below extent: inout (width: Double, height: Double), into body: inout [String]) {
        guard !lent.isEmpty else { return }
        let lines = lent.map { "\($0.label): CPUs \($0.cpus)" }
        let boxes = lines.indices.map { index in
            var box = DrawingBox(content: .device(index))
            box.width = 26 + DrawingLayout.textWidth(lines[index], size: 11)
            box.height = 16
            return box
        }
        let flow = DrawingLayout.flowing(boxes, width: max(300, extent.width - 2 * DrawingLayout.gap))
        let top = extent.height + 4
        for (index, box) in flow.boxes.enumerated() {
            let style = "lent\(index % DrawingStyle.loanColours.count)"
            body.append(rectangle(style, DrawingLayout.gap + box.x, top + box.y, 14, 14))
            body.append(text("small", DrawingLayout.gap + box.x + 19, top + box.y + 11, lines[index]))
        }
        extent.width = max(extent.width, flow.width + 2 * DrawingLayout.gap)
        extent.height = top + flow.height + DrawingLayout.gap
    }

    /// A small table of distances, deeper where farther; left to the text form beyond sixteen nodes.
    private func drawDistances(
        below extent: inout (width: Double, height: Double), into body: inout [String]
    ) {
        let nodes = topology.distances.count
        guard (2...16).contains(nodes) else { return }
        let (cell, rowHeight, left) = (38.0, 20.0, DrawingLayout.gap + 56)
        let farthest = topology.distances.joined().max() ?? 10
        let nearest = topology.distances.joined().min() ?? 10
        let top = extent.height + 36
        body.append(text("title", DrawingLayout.gap, extent.height + 14, "Distances between NUMA nodes"))
        for (row, distances) in topology.distances.enumerated() {
            let y = top + Double(row) * rowHeight
            body.append(text("small middle", left + (Double(row) + 0.5) * cell, top - 6, "\(row)"))
            body.append(text("small", DrawingLayout.gap, y + 14, "node \(row)"))
            for (column, distance) in distances.enumerated() {
                let x = left + Double(column) * cell
                let depth = 0.1 + 0.5 * Double(distance - nearest) / Double(max(1, farthest - nearest))
                body.append(
                    "<rect class=\"heat\" x=\"\(x.svg)\" y=\"\(y.svg)\" width=\"\((cell - 2).svg)\""
                        + " height=\"\((rowHeight - 2).svg)\" rx=\"3\" fill-opacity=\"\(depth.formatted(digits: 2))\"/>"
                )
                body.append(text("small middle", x + cell / 2 - 1, y + 13, "\(distance)"))
            }
        }
        extent.width = max(extent.width, left + Double(nodes) * cell + DrawingLayout.gap, 240)
        extent.height = top + Double(nodes) * rowHeight + DrawingLayout.gap
    }
}

extension TopologyDrawing {
    private func rectangle(
        _ style: String, _ x: Double, _ y: Double, _ width: Double, _ height: Double, title: String? = nil
    ) -> String {
        let place = "x=\"\(x.svg)\" y=\"\(y.svg)\" width=\"\(width.svg)\" height=\"\(height.svg)\""
        guard let title else { return "<rect class=\"\(style)\" \(place)/>" }
        return "<rect class=\"\(style)\" \(place)><title>\(title.escapedForXML)</title></rect>"
    }

    private func text(_ style: String, _ x: Double, _ y: Double, _ content: String) -> String {
        "<text class=\"\(style)\" x=\"\(x.svg)\" y=\"\(y.svg)\">\(content.escapedForXML)</text>"
    }
}

/// The colours of a drawing, for light and for dark pages.
private enum DrawingStyle {
    /// Fill and the colour of text on it; told apart also by most who do not see all colours (after Okabe and
    /// Ito, https://jfly.uni-koeln.de/color/).
    ///
    /// More loans than colours begin again; their titles tell.
    static let loanColours = [
        ("#0072b2", "#fff"), ("#e69f00", "#000"), ("#009e73", "#fff"), ("#cc79a7", "#000"),
        ("#56b4e9", "#000"),
        ("#d55e00", "#fff"), ("#f0e442", "#000"), ("#6a51a3", "#fff"),
    ]

    private static let light = [
        "machine": "#ffffff", "package": "#f1f4f9", "node": "#dfece4", "cache": "#f6efdc", "core": "#ffffff",
        "strip": "#efe3c2", "thread": "#e3e7ee", "device": "#e8e0f3", "heat": "#c2703d", "line": "#9aa5b5",
        "text": "#1c2430", "muted": "#4a5565",
    ]
    private static let dark = [
        "machine": "#14181f", "package": "#1c222c", "node": "#1d3329", "cache": "#38301c", "core": "#1a1f28",
        "strip": "#4c4122", "thread": "#343c4a", "device": "#372c4b", "heat": "#d98955", "line": "#566173",
        "text": "#e8ecf2", "muted": "#aeb8c6",
    ]

    private static func variables(_ colours: [String: String]) -> String {
        colours.sorted { $0.key < $1.key }.map { "--ht-\($0.key):\($0.value)" }.joined(separator: ";")
    }

    static let element: String = {
        let root = ".heng-topology"
        var rules = [
            "\(root){\(variables(light));max-width:100%;height:auto;font-family:system-ui,sans-serif}",
            "@media (prefers-color-scheme:dark){\(root){\(variables(dark))}}",
            "\(root) rect{stroke:var(--ht-line);stroke-width:.7;rx:3}",
            "\(root) text{fill:var(--ht-text)}",
            "\(root) .title{font-size:13px;font-weight:600}",
            "\(root) .small{font-size:11px;fill:var(--ht-muted)}",
            "\(root) .tiny{font-size:9px}",
            "\(root) .middle{text-anchor:middle}",
            "\(root) text.onMany{fill:#000;stroke:#fff;stroke-width:2.5px;paint-order:stroke}",
        ]
        for part in ["machine", "package", "node", "cache", "core", "strip", "thread", "device", "heat"] {
            rules.append("\(root) rect.\(part){fill:var(--ht-\(part))}")
        }
        for (index, (fill, ink)) in loanColours.enumerated() {
            rules.append("\(root) rect.lent\(index){fill:\(fill)}\(root) text.on\(index){fill:\(ink)}")
        }
        return "<style>\n" + rules.joined(separator: "\n") + "\n</style>"
    }()
}

extension Double {
    /// The number as SVG attributes take it, to a tenth of a pixel.
    fileprivate var svg: String { formatted(digits: self == rounded() ? 0 : 1) }
}

extension String {
    /// The text as it may stand between tags and in quotes, without characters that XML forbids.
    fileprivate var escapedForXML: String {
        var result = ""
        for character in printable.unicodeScalars {
            switch character {
            case "&": result += "&amp;"
            case "<": result += "&lt;"
            case ">": result += "&gt;"
            case "\"": result += "&quot;"
            case "'": result += "&#39;"
            case "\u{FFFE}", "\u{FFFF}": result += " "
            default: result.unicodeScalars.append(character)
            }
        }
        return result
    }
}
