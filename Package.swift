// swift-tools-version: 6.2
import Foundation
import PackageDescription

/// The settings of every Swift target of ours; the reasons are in Documentation/HACKING.md.
let swiftSettings: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
    .strictMemorySafety(),
    .treatAllWarnings(as: .error),
]

/// Sanitizers need the dynamic C library.
let isSanitized = ProcessInfo.processInfo.environment["HENG_SANITIZE"] == "1"

func library(
    _ name: String, _ needs: [Target.Dependency], exclude: [String] = [], resources: [Resource] = []
) -> Target {
    .target(
        name: name, dependencies: needs, path: "Sources/\(name)", exclude: exclude, resources: resources,
        swiftSettings: swiftSettings)
}

func tests(_ name: String, _ needs: [Target.Dependency], resources: [Resource] = []) -> Target {
    .testTarget(
        name: name, dependencies: needs + ["TestSupport"], path: "Tests/\(name)", resources: resources,
        swiftSettings: swiftSettings)
}

let argumentParser: Target.Dependency = .product(name: "ArgumentParser", package: "swift-argument-parser")
let crypto: Target.Dependency = .product(name: "Crypto", package: "swift-crypto")
let protobuf: Target.Dependency = .product(name: "SwiftProtobuf", package: "swift-protobuf")

let allTargets: [Target] = [
    // Floor 0: C
    .systemLibrary(name: "CHwloc", pkgConfig: "hwloc", providers: [.apt(["libhwloc-dev"])]),
    .systemLibrary(name: "CNuma", pkgConfig: "numa", providers: [.apt(["libnuma-dev"])]),
    .systemLibrary(name: "COpenBLAS", pkgConfig: "openblas", providers: [.apt(["libopenblas-dev"])]),
    .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
    .target(name: "CLinux", path: "Sources/CLinux"),
    .target(name: "CHengAccelerator", path: "Sources/CHengAccelerator"),
    .target(name: "CKernels", path: "Kernels/CPU"),
    // Static and without the Swift runtime (see runtime.c there): it starts in 1 ms instead of 6, once for each step.
    .executableTarget(
        name: "heng-step", path: "Sources/heng-step",
        linkerSettings: isSanitized ? [] : [.unsafeFlags(["-static-executable"])]),

    // Floor 1
    library("Essentials", []),

    // Floor 2
    library("Instrumentation", ["Essentials"]),
    library("HardwareTopology", ["Essentials"]),
    library("Results", ["Essentials"]),
    library("ComputeGraph", ["Essentials"]),

    // Floor 3
    library("TopologyDiscovery", ["Essentials", "HardwareTopology", "CHwloc", "CNuma", "CLinux"]),
    library("AcceleratorAPI", ["Essentials", "Instrumentation", "CHengAccelerator"]),
    library("ONNXImport", ["Essentials", "ComputeGraph", protobuf], exclude: ["Protobuf/onnx.proto"]),
    library("TensorFiles", ["Essentials", "ComputeGraph", "CZlib"]),
    library("LoadGeneration", ["Essentials", "Results", "Instrumentation"]),
    library("Scheduling", ["Essentials", "HardwareTopology", "Results"]),

    // Floor 4
    library("KernelInterface", ["Essentials", "AcceleratorAPI", "ComputeGraph"]),
    library("Collectives", ["Essentials", "Results", "CLinux"]),

    // Floor 5
    library(
        "CPUBackend",
        [
            "Essentials", "KernelInterface", "AcceleratorAPI", "CHengAccelerator", "ComputeGraph",
            "HardwareTopology",
            "TopologyDiscovery", "CKernels", "COpenBLAS", "CLinux",
        ]),
    library(
        "Execution", ["Essentials", "KernelInterface", "AcceleratorAPI", "ComputeGraph", "Instrumentation"]),
    library(
        "MachineAgent",
        ["Essentials", "Scheduling", "HardwareTopology", "TopologyDiscovery", "Collectives", "CLinux"]),

    // Floor 6
    library("Backends", ["Essentials", "Results", "AcceleratorAPI", "KernelInterface", "CPUBackend"]),
    library(
        "Training",
        ["Essentials", "ComputeGraph", "AcceleratorAPI", "KernelInterface", "Execution", "Collectives"],
        exclude: ["Data/README.md"]),

    // Floor 7
    library(
        "BenchmarkSuite",
        [
            "Essentials", "Instrumentation", "HardwareTopology", "TopologyDiscovery", "Results",
            "ComputeGraph",
            "AcceleratorAPI", "KernelInterface", "LoadGeneration", "Scheduling", "Collectives", "Execution",
            "MachineAgent", "Backends", "Training", "COpenBLAS", crypto,
        ],
        resources: [.embedInCode("Suite/server.json")]),

    // Floor 8
    .executableTarget(
        name: "heng",
        dependencies: [
            "Essentials", "HardwareTopology", "TopologyDiscovery", "Results", "Scheduling", "MachineAgent",
            "AcceleratorAPI", "Backends", "BenchmarkSuite", "LoadGeneration", argumentParser, "heng-step",
        ],
        path: "Sources/heng", swiftSettings: swiftSettings),

    // Tests
    .executableTarget(
        name: "agent-test-program", dependencies: ["Essentials", "Collectives", "MachineAgent"],
        path: "Tests/TestPrograms/agent-test-program", swiftSettings: swiftSettings),
    .target(
        name: "TestSupport", dependencies: ["Essentials"], path: "Tests/TestSupport",
        swiftSettings: swiftSettings),
    .target(name: "AllocationCounter", path: "Tests/AllocationCounter"),
    tests("EssentialsTests", ["Essentials"]),
    tests("InstrumentationTests", ["Essentials", "Instrumentation"]),
    tests("HardwareTopologyTests", ["Essentials", "HardwareTopology"]),
    tests("ResultsTests", ["Essentials", "Results"]),
    tests("ComputeGraphTests", ["Essentials", "ComputeGraph"]),
    tests(
        "TopologyDiscoveryTests",
        ["Essentials", "HardwareTopology", "TopologyDiscovery", "CLinux", "CHwloc"]),
    tests("AcceleratorAPITests", ["Essentials", "AcceleratorAPI", "CHengAccelerator"]),
    tests("TensorFilesTests", ["Essentials", "ComputeGraph", "TensorFiles"]),
    tests("LoadGenerationTests", ["Essentials", "Results", "Instrumentation", "LoadGeneration"]),
    tests("SchedulingTests", ["Essentials", "HardwareTopology", "Scheduling"]),
    tests("SimulationTests", ["Essentials", "HardwareTopology", "TopologyDiscovery", "Scheduling"]),
    tests("CollectivesTests", ["Essentials", "Collectives", "CLinux"]),
    tests(
        "CPUBackendTests",
        [
            "Essentials", "AcceleratorAPI", "CHengAccelerator", "KernelInterface", "ComputeGraph",
            "CPUBackend", "CKernels", "TopologyDiscovery",
        ]),
    tests(
        "ExecutionTests",
        [
            "Essentials", "ComputeGraph", "AcceleratorAPI", "KernelInterface", "Execution", "Backends",
            "AllocationCounter",
        ]),
    tests(
        "MachineAgentTests",
        [
            "Essentials", "HardwareTopology", "TopologyDiscovery", "Scheduling", "MachineAgent",
            "Collectives", "CLinux",
        ]),
    tests(
        "TrainingTests",
        ["Essentials", "ComputeGraph", "AcceleratorAPI", "Execution", "Backends", "Training", "Collectives"]),
    tests(
        "BenchmarkSuiteTests",
        [
            "Essentials", "HardwareTopology", "TopologyDiscovery", "Instrumentation", "Results",
            "ComputeGraph",
            "LoadGeneration", "Scheduling", "Collectives", "MachineAgent", "Execution", "AcceleratorAPI",
            "Backends", "BenchmarkSuite",
        ]),
    tests("BackendsTests", ["Essentials", "AcceleratorAPI", "Backends"]),
    tests("CommandLineTests", ["Essentials", "Results", "heng", "heng-step"]),
    tests("RepositoryTests", ["Essentials"]),
]

/// Our own overheads as small programs, built only on request, so that a user's build stays short.
let wantsBenchmarks = ProcessInfo.processInfo.environment["HENG_BENCHMARKS"] == "1"
let benchmarkTargets: [Target] = [
    .executableTarget(
        name: "benchmark-loadgen", dependencies: ["Essentials", "Results", "LoadGeneration"],
        path: "Benchmarks/loadgen", swiftSettings: swiftSettings),
    .executableTarget(
        name: "heng-counts", dependencies: ["Essentials", "AcceleratorAPI", "CPUBackend"],
        path: "Benchmarks/counts", exclude: ["thresholds.json", "check.sh"], swiftSettings: swiftSettings),
]

/// Readers of files under libFuzzer, built only on request; `make fuzz` runs them.
let wantsFuzzing = ProcessInfo.processInfo.environment["HENG_FUZZ"] == "1"
let fuzzTargets: [Target] = [
    .executableTarget(
        name: "heng-fuzz",
        dependencies: ["Essentials", "HardwareTopology", "TopologyDiscovery", "Results", "Scheduling"],
        path: "Tests/Fuzz",
        swiftSettings: swiftSettings + [.unsafeFlags(["-sanitize=fuzzer"])],
        linkerSettings: [.unsafeFlags(["-sanitize=fuzzer"])])
]

let package = Package(
    name: "heng",
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
        .package(url: "https://github.com/apple/swift-protobuf", from: "1.39.0"),
    ],
    targets: allTargets + (wantsBenchmarks ? benchmarkTargets : []) + (wantsFuzzing ? fuzzTargets : []),
    swiftLanguageModes: [.v6]
)
