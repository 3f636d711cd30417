internal import Essentials

/// Where each part of a machine's drawing goes: boxes in boxes, in SVG user units (pixels at natural size).
///
/// Sizes come from the inside out; then a box's children stand in as many columns as bring it closest to the
/// shape of a screen.
struct DrawingBox {
    enum Content {
        case container(TopologyTree.Part, title: String, detail: String)
        case core(Int, caches: [Int])
        case device(Int)
    }

    var content: Content
    var x = 0.0
    var y = 0.0
    var width = 0.0
    var height = 0.0
    /// Positions are relative to this box.
    var children: [DrawingBox] = []

    var isContainer: Bool {
        if case .container = content { true } else { false }
    }
}

struct DrawingLayout {
    /// Machines with more cores are drawn without numbers and caches in their cores.
    static let mostDetailedCores = 192

    static let padding = 10.0
    static let gap = 6.0
    static let lineHeight = 16.0
    static let threadWidth = 27.0
    static let threadHeight = 18.0
    static let threadsPerRow = 4
    static let cacheHeight = 13.0
    static let compactThread = 10.0

    let topology: Topology
    let isDetailed: Bool

    init(_ topology: Topology) {
        self.topology = topology
        isDetailed = topology.cores.count <= Self.mostDetailedCores
    }

    func machine() -> DrawingBox { box(for: TopologyTree(topology)) }

    private func box(for tree: TopologyTree) -> DrawingBox {
        if let (core, caches) = tree.coreWithPrivateCaches { return coreBox(core, caches: caches) }
        var box = DrawingBox(
            content: .container(
                tree.part, title: topology.name(of: tree.part), detail: topology.detail(of: tree)))
        var parts = Self.arranged(tree.children.map { self.box(for: $0) })
        let widest = max(Self.titleWidth(of: box), parts.width)
        let devices = Self.flowing(topology.devices(directlyIn: tree.part).map(deviceBox), width: widest)
        let inside = max(widest, devices.width)
        if parts.columns == 1 { parts.stretchContainers(to: inside) }
        let header = Self.padding + 2 * Self.lineHeight
        for (boxes, offset) in [
            (parts.boxes, 0), (devices.boxes, parts.height + (parts.height > 0 ? Self.gap : 0)),
        ] {
            box.children += boxes.map { child in
                var child = child
                child.x += Self.padding
                child.y += header + offset
                return child
            }
        }
        box.width = inside + 2 * Self.padding
        box.height = (box.children.map { $0.y + $0.height }.max() ?? header) + Self.padding
        return box
    }

    private func coreBox(_ core: Int, caches: [Int]) -> DrawingBox {
        var box = DrawingBox(content: .core(core, caches: isDetailed ? caches : []))
        let threads = topology.cores[core].cpus.count
        let columns = Double(min(threads, Self.threadsPerRow))
        let rows = Double((threads + Self.threadsPerRow - 1) / Self.threadsPerRow)
        if isDetailed {
            box.width = max(76, columns * (Self.threadWidth + 2) + 6)
            box.height =
                4 + Double(caches.count) * (Self.cacheHeight + 2) + 13 + rows * (Self.threadHeight + 2) + 2
        } else {
            box.width = columns * (Self.compactThread + 1) + 3
            box.height = rows * (Self.compactThread + 1) + 3
        }
        return box
    }

    private func deviceBox(_ device: Int) -> DrawingBox {
        var box = DrawingBox(content: .device(device))
        box.width = Self.textWidth(topology.devices[device].line, size: 11) + 14
        box.height = 20
        return box
    }

    private static func titleWidth(of box: DrawingBox) -> Double {
        guard case .container(_, let title, let detail) = box.content else { return 0 }
        return max(textWidth(title, size: 13) * 1.1, min(textWidth(detail, size: 11), 420))
    }

    /// How wide a text is in the drawing's fonts, a little over rather than under.
    static func textWidth(_ text: String, size: Double) -> Double { Double(text.count) * size * 0.58 }
}

/// Boxes with their places, and how much room they take together.
struct BoxArrangement {
    var boxes: [DrawingBox] = []
    var width = 0.0
    var height = 0.0
    var columns = 1

    mutating func stretchContainers(to width: Double) {
        for index in boxes.indices where boxes[index].isContainer { boxes[index].width = width }
    }
}

extension DrawingLayout {

    /// Puts boxes into equal columns, as many as come closest to the shape of a screen.
    private static func arranged(_ boxes: [DrawingBox]) -> BoxArrangement {
        guard !boxes.isEmpty else { return BoxArrangement() }
        let candidates = (1...min(boxes.count, 64)).map { grid(boxes, columns: $0) }
        return candidates.min { badness($0, boxes) < badness($1, boxes) } ?? candidates[0]
    }

    /// How far a shape is from 16:10, and how much of it stays empty.
    private static func badness(_ arrangement: BoxArrangement, _ boxes: [DrawingBox]) -> Double {
        let ratio = arrangement.width / arrangement.height / 1.6
        let area = boxes.reduce(0) { $0 + $1.width * $1.height }
        return max(ratio, 1 / ratio) + arrangement.width * arrangement.height / area
    }

    private static func grid(_ boxes: [DrawingBox], columns: Int) -> BoxArrangement {
        var boxes = boxes
        var (width, y) = (0.0, 0.0)
        let columnWidths = (0..<columns).map { column in
            stride(from: column, to: boxes.count, by: columns).map { boxes[$0].width }.max() ?? 0
        }
        for row in stride(from: 0, to: boxes.count, by: columns) {
            var x = 0.0
            let range = row..<min(row + columns, boxes.count)
            let height = range.map { boxes[$0].height }.max() ?? 0
            for index in range {
                boxes[index].x = x
                boxes[index].y = y
                // Containers side by side look alike; cores keep their size.
                if boxes[index].isContainer {
                    boxes[index].width = columnWidths[index - row]
                    boxes[index].height = height
                }
                x += columnWidths[index - row] + gap
            }
            width = max(width, x - gap)
            y += height + gap
        }
        return BoxArrangement(boxes: boxes, width: width, height: y - gap, columns: columns)
    }

    /// Puts boxes side by side, and into the next line when one is full.
    static func flowing(_ boxes: [DrawingBox], width limit: Double) -> BoxArrangement {
        var boxes = boxes
        var (x, y, width) = (0.0, 0.0, 0.0)
        for index in boxes.indices {
            if x > 0, x + boxes[index].width > limit {
                x = 0
                y += boxes[index].height + gap
            }
            boxes[index].x = x
            boxes[index].y = y
            x += boxes[index].width + gap
            width = max(width, x - gap)
        }
        return BoxArrangement(boxes: boxes, width: width, height: boxes.map { $0.y + $0.height }.max() ?? 0)
    }
}
