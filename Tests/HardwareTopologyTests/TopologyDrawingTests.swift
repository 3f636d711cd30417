import Essentials
import HardwareTopology
import TestSupport
import Testing

@Suite("A topology as a drawing")
struct TopologyDrawingTests {
    @Test func `each thread is drawn once, inside the picture`() {
        let svg = TopologyDrawing(twoPackages).svg
        let drawing = Drawing(svg)

        #expect(drawing.rectangles.filter { $0.style == "thread" }.count == 8)
        #expect(drawing.rectangles.filter { $0.style == "package" }.count == 2)
        #expect(drawing.rectangles.filter { $0.style == "device" }.count == 2)
        expectInside(drawing)
    }

    @Test func `lent units carry the colour and the label of who has them`() {
        let svg = TopologyDrawing(
            twoPackages, lent: [("cpu:0.0", CPUSet([0, 1])), ("cpu:0.1 <b>", CPUSet([1, 2]))]
        ).svg
        let drawing = Drawing(svg)

        // Two threads each and one square in the legend.
        #expect(drawing.rectangles.filter { $0.style == "lent0" }.count == 3)
        #expect(drawing.rectangles.filter { $0.style == "lent1" }.count == 3)
        #expect(svg.contains("<title>CPU 0, lent to cpu:0.0</title>"))
        #expect(svg.contains("<title>CPU 1, lent to cpu:0.0, cpu:0.1 &lt;b&gt;</title>"))
        #expect(svg.contains(">cpu:0.1 &lt;b&gt;: CPUs 1-2</text>"))
        expectInside(drawing)
    }

    @Test func `names cannot break out of the picture`() {
        var topology = twoPackages
        topology.machineName = "</svg><script>\"'&\u{0}\u{FFFF}"
        topology.devices[0].model = "<img src=x>"

        let svg = TopologyDrawing(topology).svg

        #expect(!svg.contains("<script"))
        #expect(!svg.contains("<img"))
        #expect(svg.contains("&lt;/svg&gt;&lt;script&gt;&quot;&#39;&amp;  "))
        #expect(Drawing(svg).isBalanced)
    }

    @Test func `the picture stands alone and follows the reader's colours`() {
        let svg = TopologyDrawing(twoPackages, lent: [("a", CPUSet([0]))]).svg
        let addresses = svg.ranges(of: "http").map { svg[$0.lowerBound...].prefix { $0 != "\"" } }

        #expect(addresses == ["http://www.w3.org/2000/svg"])
        #expect(svg.contains("prefers-color-scheme:dark"))
        for word in ["url(", "@import", "href", " id=", "<script", "onload"] { #expect(!svg.contains(word)) }
    }

    @Test func `the picture of a large machine leaves out the numbers, not the threads`() {
        let cores = (0..<1024).map { Topology.Core(cpus: CPUSet([$0]), numaNode: 0, package: nil) }
        let topology = Topology(
            machineName: "large", source: .live, packages: [],
            numaNodes: [.init(osIndex: 0, memory: .gibibytes(1), cpus: CPUSet(0..<1024), package: nil)],
            cores: cores)

        let drawing = Drawing(TopologyDrawing(topology).svg)

        #expect(drawing.rectangles.filter { $0.style == "thread" }.count == 1024)
        expectInside(drawing)
    }

    @Test(arguments: propertySeeds) func `any machine is drawn whole, in nested boxes`(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let topology = randomTopology(using: &random)
        let lent = (0..<random.below(4)).map { index in
            (label: "cpu:0.\(index)", cpus: CPUSet((0..<random.below(5)).map { _ in random.below(40) }))
        }

        let drawing = Drawing(TopologyDrawing(topology, lent: lent).svg)

        #expect(drawing.isBalanced)
        #expect(drawing.rectangles.filter { $0.style == "thread" }.count == topology.cpus.count)
        #expect(drawing.rectangles.filter { $0.style == "node" }.count == topology.numaNodes.count)
        expectInside(drawing)
        let threads = drawing.rectangles.filter { $0.style == "thread" }
        for (index, thread) in threads.enumerated() {
            #expect(!threads[..<index].contains { $0.overlaps(thread) })
        }
    }

    private func expectInside(_ drawing: Drawing, sourceLocation: SourceLocation = #_sourceLocation) {
        #expect(drawing.rectangles.allSatisfy { $0.left >= 0 && $0.top >= 0 }, sourceLocation: sourceLocation)
        #expect(
            drawing.rectangles.allSatisfy { $0.right <= drawing.width && $0.bottom <= drawing.height },
            sourceLocation: sourceLocation)
    }
}

/// As much of an SVG as the tests look at, read from its text.
private struct Drawing {
    struct Rectangle {
        var style: String
        var left: Double
        var top: Double
        var right: Double
        var bottom: Double

        /// True when the two share more than their rounded edges.
        func overlaps(_ other: Rectangle) -> Bool {
            left + 0.2 < other.right && other.left + 0.2 < right && top + 0.2 < other.bottom
                && other.top + 0.2 < bottom
        }
    }

    var width = 0.0
    var height = 0.0
    var rectangles: [Rectangle] = []
    var isBalanced = false

    init(_ svg: String) {
        var open: [Substring] = []
        var isWellFormed = true
        for piece in svg.split(separator: "<").dropFirst(svg.hasPrefix("<") ? 0 : 1) {
            let tag = piece.prefix { $0 != ">" }
            let name = tag.prefix { $0 != " " && $0 != "/" }
            if tag.hasPrefix("/") {
                isWellFormed = isWellFormed && open.popLast() == tag.dropFirst()
            } else if !tag.hasSuffix("/") {
                open.append(name)
            }
            if name == "svg" { (width, height) = (Self.number("width", tag), Self.number("height", tag)) }
            if name == "rect" { rectangles.append(Self.rectangle(tag)) }
        }
        isBalanced = isWellFormed && open.isEmpty
    }

    private static func rectangle(_ tag: Substring) -> Rectangle {
        let (x, y) = (number("x", tag), number("y", tag))
        return Rectangle(
            style: attribute("class", tag), left: x, top: y, right: x + number("width", tag),
            bottom: y + number("height", tag))
    }

    private static func number(_ name: String, _ tag: Substring) -> Double {
        Double(attribute(name, tag)) ?? .nan
    }

    private static func attribute(_ name: String, _ tag: Substring) -> String {
        guard let start = tag.firstRange(of: " \(name)=\"")?.upperBound else { return "" }
        return String(tag[start...].prefix { $0 != "\"" })
    }
}
