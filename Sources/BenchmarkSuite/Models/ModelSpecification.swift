internal import Essentials
package import Results

/// A benchmark model as a recipe: architecture, task and seed; all weights and data follow from it.
///
/// Nothing is downloaded. Random weights alone would be a trap: their predictions are chaos that no precision can
/// be judged by. So residual branches are damped, batch normalisation is calibrated on generated data, and the last
/// layer is fitted by ridge regression; the model then solves its task well above chance.
package struct ModelSpecification: Hashable, Sendable {
    package enum Architecture: Hashable, Sendable {
        case residual(ResidualNetwork)
        case encoder(Encoder)
    }

    package var name: String
    /// Changes whenever the same seed gives another model or other data.
    package var version = "1"
    package var architecture: Architecture
    /// The classes that samples come from; a right guess has a chance of one in these.
    package var dataClasses: Int
    /// How much noise hides the class, on the task's own scale; see `GratingImages` and `TokenSources`.
    package var noise: Int
    /// Seeds of weights and data; sets of different purposes never share a sample.
    package var seed: UInt64 = 1
    /// Samples that batch normalisation takes its statistics from; 0 where there is none.
    package var calibrationSamples: Int
    /// Samples that the last layer is fitted to.
    package var fittingSamples: Int
    /// The ridge, as a part of the features' mean squared length.
    package var ridge: Double

    package init(
        name: String, architecture: Architecture, dataClasses: Int, noise: Int, calibrationSamples: Int,
        fittingSamples: Int, ridge: Double
    ) {
        self.name = name
        self.architecture = architecture
        self.dataClasses = dataClasses
        self.noise = noise
        self.calibrationSamples = calibrationSamples
        self.fittingSamples = fittingSamples
        self.ridge = ridge
    }

    /// The scores that the model gives for each sample, so the length of an output row.
    ///
    /// It may be more than `dataClasses`: the further scores belong to classes without samples, and never win.
    package var classes: Int {
        switch architecture {
        case .residual(let network): network.classes
        case .encoder: dataClasses
        }
    }
}

extension ModelSpecification {
    /// The topology of ResNet-50 (v1.5) with 25.6 M weights, on square colour gratings of 50 classes.
    ///
    /// The head has ResNet-50's 1000 rows. The 950 rows of classes without samples hold zeros and a bias of -10, so
    /// that weights and work are those of the known model; a device that skips zeros may save 1.9 M of 25.6 M weights.
    /// Another size has the same convolutions with statistics and a head of its own. The noise leaves 84 to 93 % right,
    /// over five seeds.
    package static func resnet50(size: Int) -> ModelSpecification {
        ModelSpecification(
            name: "resnet50-\(size)", architecture: .residual(ResidualNetwork(size: size)), dataClasses: 50,
            noise: size < 64 ? 28 : 50, calibrationSamples: 100, fittingSamples: 500, ridge: 0.1)
    }

    /// An encoder as BERT has it, 4 layers of 256, on 128 tokens of one of 20 sources.
    ///
    /// The noise leaves 88 to 93 % right, over five seeds.
    package static func encoder() -> ModelSpecification {
        ModelSpecification(
            name: "encoder", architecture: .encoder(Encoder()), dataClasses: 20, noise: 210,
            calibrationSamples: 0, fittingSamples: 400, ridge: 1)
    }

    /// The names that `named` knows.
    package static let names = ["resnet50", "encoder"]

    /// The model of a suite's rules in the size of a tier; an unknown name is wrong use.
    package static func named(_ name: String, tier: Tier) throws -> ModelSpecification {
        switch (name, tier) {
        case ("resnet50", .smoke), ("resnet50", .quick): resnet50(size: 32)
        case ("resnet50", .full), ("resnet50", .conformance): resnet50(size: 64)
        case ("encoder", _): encoder()
        default:
            throw Failure(
                "There is no benchmark model \(name).",
                nextStep: "Choose one of \(names.joined(separator: ", ")).", exitCode: .wrongUse)
        }
    }
}
