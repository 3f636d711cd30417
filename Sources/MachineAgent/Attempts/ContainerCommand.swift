/// A command inside a container image, as `podman run` wants it.
///
/// The container's processes stay below the supervisor and in its control groups, so that limits, signals and the end
/// are those of any other job.
package struct ContainerCommand: Hashable, Sendable {
    package var image: String
    /// Not used by any other container of the user.
    package var name: String
    package var command: [String]
    package var workingDirectory: String
    /// Names of the variables that are handed through from the outside.
    package var variables: [String]
    /// More folders that are the same inside.
    package var folders: [String]

    package init(
        image: String, name: String, command: [String], workingDirectory: String, variables: [String] = [],
        folders: [String] = []
    ) {
        self.image = image
        self.name = name
        self.command = command
        self.workingDirectory = workingDirectory
        self.variables = variables
        self.folders = folders
    }

    /// Variables that describe the outside and would break the inside.
    private static let outside: Set<String> = [
        "PATH", "HOME", "HOSTNAME", "TMPDIR", "LD_PRELOAD", "LD_LIBRARY_PATH",
    ]

    package var arguments: [String] {
        var arguments = [
            "podman", "run", "--rm", "--name", name,
            // In the groups that it is started in, and without a service manager.
            "--cgroups", "disabled",
            // Ranks find each other, and files belong to the user.
            "--network", "host", "--ipc", "host", "--userns", "keep-id",
            "--workdir", workingDirectory,
        ]
        for folder in [workingDirectory] + folders { arguments += ["--volume", "\(folder):\(folder)"] }
        for variable in variables.sorted() where !Self.outside.contains(variable) {
            arguments += ["--env", variable]
        }
        return arguments + ["--", image] + command
    }
}
