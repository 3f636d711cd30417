import ComputeGraph
import Testing

@Suite("Listing of operators")
struct OperatorListingTests {
    private let schema = OperatorSchema(
        "Blend", domain: .heng, since: 2, "Mixes two | tensors.",
        inputs: [
            .required("A", [.numbers, .bool], "any shape"), .optional("B", .indices, "broadcasts with A"),
            .variadic("rest", [.float32, .sequence], "more"),
        ],
        outputs: [.required("C", .tensors, "the shape of A")],
        attributes: [
            .float("share", 0.25, "from 0 to 1"), .string("mode", "fast", "fast or exact"),
            .ints("axes", [0, -1], "of A").required, .int("axis", -1, "of A"), .tensor("table", "numbers"),
            .float("epsilon", 1e-5, "above 0"), .float("whole", 2, "a number"),
        ])

    @Test func `each parameter has its name, direction, types, meaning and default`() {
        let page = OperatorListing([schema]).markdown

        for line in [
            "## Domain ai.heng: what ONNX does not have", "### Blend",
            "| Blend | 2 | Mixes two \\| tensors. |  |  |  |  |",
            "| A | in | numbers, bool | any shape | required |",
            "| B | in | indices | broadcasts with A | none |",
            "| rest | in | float32, sequence | more | any number |",
            "| C | out | tensors | the shape of A | required |",
            "| share | attribute | float | from 0 to 1 | 0.25 |",
            "| mode | attribute | string | fast or exact | `fast` |",
            "| axes | attribute | integers | of A | required |",
            "| axis | attribute | integer | of A | -1 |",
            "| table | attribute | tensor | numbers | none |",
            "| epsilon | attribute | float | above 0 | 1e-05 |",
            "| whole | attribute | float | a number | 2 |",
            "| indices | int32, int64 |",
        ] {
            #expect(page.split(separator: "\n").contains { $0 == line }, "\(line)")
        }
    }

    @Test func `what a build has is in the overview`() {
        let page = OperatorListing([schema]) { _ in
            OperatorListing.Support(elements: .floats, kernels: ["rows", "tiles"], hasGradient: true)
        }.markdown

        #expect(page.contains("| Blend | 2 | Mixes two \\| tensors. |  | floats | rows, tiles | yes |"))
    }

    @Test func `the rules for all operators are stated`() {
        let page = OperatorListing([schema]).markdown

        for word in [
            "start at 0", "compared from the last axis", "**Status**", "has 0 of the", "is not complete",
        ] {
            #expect(page.contains(word))
        }
    }

    @Test func `every schema of the registry fits its table`() {
        let page = OperatorListing(ModelOperatorRegistry().schemas).markdown

        for schema in ModelOperatorRegistry().schemas {
            #expect(page.contains("### \(schema.name)\n"))
            #expect(!schema.summary.contains("\n"))
            for parameter in schema.inputs + schema.outputs {
                #expect(!parameter.types.words.isEmpty, "\(schema.name): \(parameter.name)")
            }
        }
    }

    @Test func `the minimal set is sorted and names each operator once`() {
        let names = OperatorListing.minimalSet

        #expect(names == names.sorted())
        #expect(Set(names).count == names.count)
    }

    @Test func `this build has the whole minimal set`() {
        let known = Set(ModelOperatorRegistry().schemas.map(\.name))

        #expect(OperatorListing.minimalSet.filter { !known.contains($0) } == [])
    }
}
