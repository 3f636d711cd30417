internal import ArgumentParser
internal import ControlAPI
internal import Essentials
internal import Foundation
internal import JobSubmission
internal import MachineAgent
internal import Results
internal import Scheduling

struct AgentCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "agent",
        abstract: "Lends this machine to the hengd of another one, until it is interrupted.",
        discussion: """
            Example: heng agent --of big-server:7465 --token-file join-token

            The token is in the file join-token of the state folder over there. The agent runs in the foreground; a
            service manager starts it on real machines.
            """)

    @Option(help: ArgumentHelp("Where that hengd listens.", valueName: "host:port"))
    var of: String

    @Option(help: "A file with the token that lets machines join.")
    var tokenFile: String

    @Option(name: .customLong("class"), help: "The class of this machine: cloud, edge or terminal.")
    var machineClass = MachineClass.cloud.rawValue

    @Option(help: "The name of this machine; else its host name.")
    var name: String?

    func run() throws {
        guard let address = DaemonAddress(parsing: of) else {
            throw Failure(
                "--of \(of) is no address.", nextStep: "Write it like --of big-server:7465.",
                exitCode: .wrongUse)
        }
        let known: MachineClass = try Amounts.choice(machineClass, option: "--class")
        guard FileManager.default.isReadableFile(atPath: tokenFile) else {
            throw Failure(
                "The token file \(tokenFile) cannot be read.",
                nextStep: "Copy join-token from the state folder of the other machine.",
                exitCode: .setupMissing)
        }
        let folder = try DaemonAccess.paths().folder
        try checkNobodyLends(folder)
        let label = try name.map { ["--name", try NameCheck.name($0, option: "--name")] } ?? []
        try become(
            [
                try DaemonStart.program(), "--agent-only", "--foreground", "--server", "\(address)",
                "--token-file", tokenFile, "--class", known.rawValue, "--state", folder + "/agent",
            ] + label)
    }

    /// What two lend is given twice.
    private func checkNobodyLends(_ folder: String) throws {
        if let client = try DaemonAccess.find() {
            throw Failure(
                "hengd (process \(try client.status().pid)) lends this machine already.",
                nextStep: "End it with `heng down`, and start the agent again.",
                exitCode: .setupMissing)
        }
        let commands = try Ledger(in: folder, machine: thisMachine()).livingCommands()
        guard commands == 0 else {
            throw Failure(
                "Commands run jobs on this machine without hengd (\(commands) of them), by the ledger in \(folder).",
                nextStep: "Wait for the end of `heng run`, `heng submit` or `heng bench`.",
                exitCode: .setupMissing)
        }
    }

    /// The agent takes this process over, so that signals and its end reach whoever started it.
    private func become(_ words: [String]) throws {
        var pointers = unsafe words.map { unsafe strdup($0) } + [nil]
        defer {
            for index in unsafe pointers.indices { unsafe free(pointers[index]) }
        }
        unsafe execv(words[0], &pointers)
        throw FileFailure(.reading, words[0], errno)
    }
}
