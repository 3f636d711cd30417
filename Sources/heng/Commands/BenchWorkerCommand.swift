internal import ArgumentParser
internal import BenchmarkSuite
internal import Essentials
internal import Results

/// What the jobs of a run execute; not for people.
struct BenchWorkerCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench-worker", abstract: "Does one part of a benchmark run.", shouldDisplay: false,
        subcommands: [Ceilings.self, Prepare.self, Serve.self, Train.self])

    struct Ceilings: ParsableCommand {
        static let configuration = CommandConfiguration(commandName: "ceilings")

        @Option var seconds: Double
        @Option var answer: String

        func run() throws { try Worker.ceilings(seconds: seconds, answer: answer).run() }
    }

    struct ModelOptions: ParsableArguments {
        @Option var model: String
        @Option var tier: Tier
        @Option var samples: Int
        @Option var batch: Int
        @Option var cache: String?
    }

    struct Prepare: ParsableCommand {
        static let configuration = CommandConfiguration(commandName: "prepare")

        @OptionGroup var model: ModelOptions
        @Option var answer: String

        func run() throws {
            try Worker.prepare(
                model: model.model, tier: model.tier, samples: model.samples, batch: model.batch,
                cache: model.cache, answer: answer
            ).run()
        }
    }

    struct Serve: ParsableCommand {
        static let configuration = CommandConfiguration(commandName: "serve")

        @OptionGroup var model: ModelOptions

        func run() throws {
            try Worker.serve(
                model: model.model, tier: model.tier, samples: model.samples, batch: model.batch,
                cache: model.cache
            ).run()
        }
    }

    struct Train: ParsableCommand {
        static let configuration = CommandConfiguration(commandName: "train")

        @Option var seed: UInt64
        @Option var target: Double?
        @Option var steps: Int?
        @Option var answer: String

        func run() throws { try Worker.train(seed: seed, target: target, steps: steps, answer: answer).run() }
    }
}
