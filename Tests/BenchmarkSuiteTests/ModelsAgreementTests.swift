import BenchmarkSuite
import ComputeGraph
import Essentials
import TestSupport
import Testing

@Suite("Agreement with the interpreter")
struct ModelsAgreementTests {
    @Test(arguments: TinyModels.all)
    func `the device agrees`(specification: ModelSpecification) throws {
        let (model, _) = try prepared(specification)

        let result = try agreement(of: model, device: try firstDevice(), samples: 5)

        #expect(result.passes)
        #expect(result.samples == 5 && result.hasSameClasses)
        #expect(result.largestDifference < result.limit / 10)
    }

    @Test(arguments: TinyModels.all)
    func `one weight that is wrong is found`(specification: ModelSpecification) throws {
        let (model, _) = try prepared(specification)
        let names = [
            "stem.weight", "stage1.block1.side.weight", "layer1.attention.value.weight", "head.weight",
            "head.bias",
        ]
        for name in names where model.parameters[name] != nil {
            for wrong in [50, -50, Float.nan, .infinity] {
                var parameters = model.parameters
                parameters[name]?.withMutableElements(Float.self) { $0[0] = wrong }

                let result = try agreement(
                    of: model, device: try firstDevice(), samples: 3, deviceParameters: parameters)

                #expect(!result.passes, "\(name) = \(wrong): \(result)")
                if !wrong.isFinite { #expect(result.largestDifference == .infinity) }
            }
        }
    }

    @Test func `nothing compared is not agreement`() throws {
        let (model, _) = try prepared(TinyModels.encoder())

        #expect(try !agreement(of: model, device: try firstDevice(), samples: 0).passes)
    }
}
