internal import ArgumentParser
internal import ComputeGraph
internal import ModelRunning

extension ModelCommand {
    struct Operators: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "operators", abstract: "Lists every operator that models may call.",
            discussion: """
                A page in Markdown: for each operator its parameters, the element types of its reference, its kernels on
                the CPU, and whether it has a gradient. Documentation/operators.md is this page.

                Example: heng model operators
                """)

        func run() throws { try writeOut(ModelSetup().operatorListing().markdown) }
    }
}
