internal import Essentials
internal import Results

#if canImport(Glibc)
internal import Glibc
#endif

/// How values map to a length of an axis.
struct Scale {
    enum Kind { case linear, logarithmic }

    var kind: Kind
    var low: Double
    var high: Double

    /// A linear scale over the range, widened to whole ticks; a range without extent gets one.
    static func linear(from low: Double, to high: Double) -> Scale {
        let high = high > low ? high : low + max(1e-9, abs(low))
        let step = niceStep(for: high - low)
        return Scale(
            kind: .linear, low: (low / step).rounded(.down) * step, high: (high / step).rounded(.up) * step)
    }

    /// A logarithmic scale over the positive range, widened a little.
    static func logarithmic(from low: Double, to high: Double) -> Scale {
        precondition(low > 0 && high >= low, "a logarithmic axis shows positive values")
        return Scale(kind: .logarithmic, low: low / 1.1, high: high * 1.1)
    }

    /// The place of a value between 0 and 1.
    func fraction(_ value: Double) -> Double {
        let share =
            switch kind {
            case .linear: (value - low) / (high - low)
            case .logarithmic: log(max(value, low) / low) / log(high / low)
            }
        return min(1, max(0, share))
    }

    var ticks: [Double] {
        switch kind {
        case .linear:
            let step = Scale.niceStep(for: high - low)
            return (0...Int(((high - low) / step).rounded())).map { low + Double($0) * step }
        case .logarithmic:
            // Few decades get the steps between them as well.
            let decades = log10(high / low)
            let factors: [Double] = decades <= 1.2 ? [1, 1.5, 2, 3, 5, 7] : decades <= 3 ? [1, 2, 5] : [1]
            let exponents = Int(log10(low).rounded(.down))...Int(log10(high).rounded(.up))
            return exponents.flatMap { exponent in factors.map { $0 * pow(10, Double(exponent)) } }
                .filter { $0 >= low && $0 <= high }
        }
    }

    private static func niceStep(for extent: Double) -> Double {
        let rough = extent / 5
        let magnitude = pow(10, log10(rough).rounded(.down))
        return [1, 2, 2.5, 5, 10].map { $0 * magnitude }.first { $0 >= rough * 0.999 } ?? rough
    }
}

/// A drawing with two axes, as SVG that follows the page's colours.
///
/// It is drawn for a width of 480, so that its text stays readable when a phone shrinks it.
struct Plot {
    static let width = 480.0
    static let height = 300.0
    private static let left = 54.0
    private static let right = 14.0
    private static let top = 16.0
    private static let bottom = 44.0

    var title: String
    var description: String
    var xTitle: String
    var yTitle: String
    var x: Scale
    var y: Scale
    private var shapes: [String] = []

    init(title: String, description: String, xTitle: String, yTitle: String, x: Scale, y: Scale) {
        self.title = title
        self.description = description
        self.xTitle = xTitle
        self.yTitle = yTitle
        self.x = x
        self.y = y
    }

    func xPosition(_ value: Double) -> Double {
        Plot.left + x.fraction(value) * (Plot.width - Plot.left - Plot.right)
    }

    func yPosition(_ value: Double) -> Double {
        Plot.height - Plot.bottom - y.fraction(value) * (Plot.height - Plot.top - Plot.bottom)
    }

    /// A line through points, in the style of its series.
    mutating func addLine(_ points: [(x: Double, y: Double)], series: Int) {
        guard let first = points.first else { return }
        var path = "M\(place(first.x, first.y))"
        for point in points.dropFirst() { path += "L\(place(point.x, point.y))" }
        shapes.append("<path class=\"line s\(series % 6)\" d=\"\(path)\"/>")
    }

    /// A line that climbs in steps, as a distribution of samples does.
    mutating func addSteps(_ points: [(x: Double, y: Double)], series: Int) {
        guard let first = points.first else { return }
        var path = "M\(place(first.x, first.y))"
        for point in points.dropFirst() {
            path += "H\(coordinate(xPosition(point.x)))V\(coordinate(yPosition(point.y)))"
        }
        shapes.append("<path class=\"line s\(series % 6)\" d=\"\(path)\"/>")
    }

    mutating func addPoint(_ value: (x: Double, y: Double), series: Int, tip: String) {
        let centre = (coordinate(xPosition(value.x)), coordinate(yPosition(value.y)))
        shapes.append(
            "<circle class=\"point s\(series % 6)\" cx=\"\(centre.0)\" cy=\"\(centre.1)\" r=\"4.5\">"
                + "<title>\(escaped(tip))</title></circle>")
    }

    /// A vertical line with words beside it; `row` keeps the words of several lines apart.
    mutating func addVerticalMark(_ value: Double, _ label: String, style: String, row: Int) {
        let position = xPosition(value)
        // To the right where it fits, because a distribution fills the left; a character is about 7 wide.
        let goesLeft = position + 6 + 7 * Double(label.count) > Plot.width - Plot.right
        let bottom = Plot.height - Plot.bottom
        shapes.append(
            "<line class=\"mark \(style)\" x1=\"\(coordinate(position))\" x2=\"\(coordinate(position))\" "
                + "y1=\"\(coordinate(Plot.top))\" y2=\"\(coordinate(bottom))\"/>")
        addText(
            label, x: position + (goesLeft ? -6 : 6), y: bottom - 10 - Double(row) * 17,
            anchor: goesLeft ? "end" : "start", style: "label \(style)")
    }

    /// A horizontal line with words above its left end.
    mutating func addHorizontalMark(_ value: Double, _ label: String, style: String) {
        let position = yPosition(value)
        shapes.append(
            "<line class=\"mark \(style)\" x1=\"\(coordinate(Plot.left))\" "
                + "x2=\"\(coordinate(Plot.width - Plot.right))\" "
                + "y1=\"\(coordinate(position))\" y2=\"\(coordinate(position))\"/>")
        // Under the line where there is no room above.
        let offset = position < Plot.top + 16 ? 15.0 : -5
        addText(label, x: Plot.left + 6, y: position + offset, anchor: "start", style: "label \(style)")
    }

    mutating func addText(_ text: String, x: Double, y: Double, anchor: String, style: String) {
        shapes.append(
            "<text class=\"\(style)\" x=\"\(coordinate(x))\" y=\"\(coordinate(y))\" text-anchor=\"\(anchor)\">"
                + "\(escaped(text))</text>")
    }

    var svg: String {
        """
        <svg viewBox="0 0 \(Int(Plot.width)) \(Int(Plot.height))" role="img" aria-label="\(escaped(title + ". " + description))">
        <title>\(escaped(title))</title><desc>\(escaped(description))</desc>
        \(axes)
        \(shapes.joined(separator: "\n"))
        </svg>
        """
    }

    private var axes: String {
        let right = Plot.width - Plot.right
        let bottom = Plot.height - Plot.bottom
        var parts: [String] = []
        for tick in x.ticks {
            let position = coordinate(xPosition(tick))
            parts.append(
                "<line class=\"grid\" x1=\"\(position)\" x2=\"\(position)\" y1=\"\(coordinate(Plot.top))\" "
                    + "y2=\"\(coordinate(bottom))\"/><text class=\"tick\" x=\"\(position)\" "
                    + "y=\"\(coordinate(bottom + 16))\" text-anchor=\"middle\">\(tickText(tick))</text>")
        }
        for tick in y.ticks {
            let position = yPosition(tick)
            parts.append(
                "<line class=\"grid\" x1=\"\(coordinate(Plot.left))\" x2=\"\(coordinate(right))\" "
                    + "y1=\"\(coordinate(position))\" y2=\"\(coordinate(position))\"/>"
                    + "<text class=\"tick\" x=\"\(coordinate(Plot.left - 6))\" y=\"\(coordinate(position + 4))\" "
                    + "text-anchor=\"end\">\(tickText(tick))</text>")
        }
        let middle = (Plot.top + bottom) / 2
        parts.append(
            "<text class=\"axis\" x=\"\(coordinate((Plot.left + right) / 2))\" y=\"\(coordinate(Plot.height - 6))\" "
                + "text-anchor=\"middle\">\(escaped(xTitle))</text>"
                + "<text class=\"axis\" transform=\"translate(13 \(coordinate(middle))) rotate(-90)\" "
                + "text-anchor=\"middle\">\(escaped(yTitle))</text>"
                + "<path class=\"frame\" d=\"M\(coordinate(Plot.left)) \(coordinate(Plot.top))V\(coordinate(bottom))"
                + "H\(coordinate(right))\"/>")
        return parts.joined(separator: "\n")
    }

    private func place(_ xValue: Double, _ yValue: Double) -> String {
        "\(coordinate(xPosition(xValue))) \(coordinate(yPosition(yValue)))"
    }
}

/// A tenth of a pixel is as fine as anyone sees.
private func coordinate(_ value: Double) -> String { value.formatted(digits: 1) }

/// A tick's number without idle zeros: `0.25`, `30G`.
private func tickText(_ value: Double) -> String {
    for (factor, prefix) in [(1e12, "T"), (1e9, "G"), (1e6, "M"), (1e4, "k")] where abs(value) >= factor {
        let unit = prefix == "k" ? 1e3 : factor
        return withoutIdleZeros((value / unit).formatted(digits: 2)) + prefix
    }
    return withoutIdleZeros(value.formatted(digits: abs(value) >= 100 ? 0 : abs(value) >= 1 ? 2 : 4))
}

private func withoutIdleZeros(_ text: String) -> String {
    guard text.contains(".") else { return text }
    var text = text
    while text.hasSuffix("0") { text.removeLast() }
    if text.hasSuffix(".") { text.removeLast() }
    return text
}
