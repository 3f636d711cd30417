/// The machine and its software as the tool found them.
package struct EnvironmentRecord: Codable, Equatable, Sendable {
    package var machine: String
    package var cpu: CPURecord
    package var memoryBytes: Int
    package var numa: [NUMARecord]
    package var accelerators: [String]
    package var interconnect: [String]
    package var os: String
    package var kernel: String
    /// Name to version.
    package var libraries: [String: String]
    /// What the run was held to, such as `affinity` or `cgroup_cpu_quota`.
    package var limits: [String: String]
    package var warnings: [String]
    package var unavailable: [UnavailableField]

    package init(
        machine: String, cpu: CPURecord, memoryBytes: Int, numa: [NUMARecord] = [],
        accelerators: [String] = [], interconnect: [String] = [], os: String, kernel: String,
        libraries: [String: String] = [:], limits: [String: String] = [:], warnings: [String] = [],
        unavailable: [UnavailableField] = []
    ) {
        self.machine = machine
        self.cpu = cpu
        self.memoryBytes = memoryBytes
        self.numa = numa
        self.accelerators = accelerators
        self.interconnect = interconnect
        self.os = os
        self.kernel = kernel
        self.libraries = libraries
        self.limits = limits
        self.warnings = warnings
        self.unavailable = unavailable
    }

    private enum CodingKeys: String, CodingKey {
        case machine = "host"
        case memoryBytes = "memory_bytes"
        case libraries = "libs"
        case cpu, numa, accelerators, interconnect, os, kernel, limits, warnings, unavailable
    }
}

/// The processors.
package struct CPURecord: Codable, Equatable, Sendable {
    package var model: String
    package var packages: Int
    package var cores: Int
    package var processingUnits: Int
    /// Instruction sets that the kernels choose by: `avx2`, `fma`.
    package var features: [String]

    package init(model: String, packages: Int, cores: Int, processingUnits: Int, features: [String] = []) {
        self.model = model
        self.packages = packages
        self.cores = cores
        self.processingUnits = processingUnits
        self.features = features
    }

    private enum CodingKeys: String, CodingKey {
        case model, packages, cores, features
        case processingUnits = "processing_units"
    }
}

/// A NUMA node.
package struct NUMARecord: Codable, Equatable, Sendable {
    package var node: Int
    package var memoryBytes: Int
    /// The kernel's list form.
    package var cpus: String

    package init(node: Int, memoryBytes: Int, cpus: String) {
        self.node = node
        self.memoryBytes = memoryBytes
        self.cpus = cpus
    }

    private enum CodingKeys: String, CodingKey {
        case node, cpus
        case memoryBytes = "memory_bytes"
    }
}

/// A fact that could not be had, and why.
package struct UnavailableField: Codable, Equatable, Sendable {
    package var field: String
    package var reason: String

    package init(field: String, reason: String) {
        self.field = field
        self.reason = reason
    }
}
