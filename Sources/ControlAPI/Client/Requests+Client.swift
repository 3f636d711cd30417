package import Essentials
package import Scheduling

// Every request that commands make, by name.
extension DaemonClient {
    package func status() throws -> DaemonStatus { try get("/v1/status") }

    /// The client key travels beside the body, so that equal submissions have equal bodies.
    package func submit(_ request: SubmitRequest) throws -> SubmitReply {
        var body = request
        body.clientKey = nil
        let headers = request.clientKey.map { [(DaemonProtocol.keyHeader, $0)] } ?? []
        return try send("POST", "/v1/jobs", encodedSubmission(body), headers: headers)
    }

    /// What would become of a submission.
    package func test(_ request: SubmitRequest) throws -> TestReply {
        var body = request
        body.isTest = true
        return try send("POST", "/v1/jobs", body)
    }

    /// Jobs that match, in the order of their numbers; ended ones and those of the history only if asked for.
    package func jobs(_ selection: JobSelection = JobSelection(), includingEnded: Bool = false) throws
        -> JobTable
    {
        try send("POST", "/v1/jobs/list\(includingEnded ? "?all=1" : "")", selection)
    }

    package func job(_ id: JobID) throws -> JobTable.Row { try get("/v1/jobs/\(id)") }

    /// What machines said about its last attempt.
    package func runs(of id: JobID) throws -> [JobRun] { try get("/v1/jobs/\(id)/runs") }

    package func explanation(of id: JobID) throws -> JobExplanation {
        try get("/v1/jobs/\(id)/explanation")
    }

    package func act(_ action: JobActionRequest) throws -> [JobActionReply] {
        try send("POST", "/v1/jobs/actions", action)
    }

    package func queues() throws -> [Queue] { try get("/v1/queues") }
    package func set(_ queue: Queue) throws { try send("PUT", "/v1/queues/\(escaped(queue.name))", queue) }
    package func removeQueue(_ name: String) throws { try send("DELETE", "/v1/queues/\(escaped(name))") }

    package func accounts() throws -> [AccountRow] { try get("/v1/accounts") }
    package func set(_ settings: AccountSettings, ofAccount name: String) throws {
        try send("PUT", "/v1/accounts/\(escaped(name))", settings)
    }

    package func devices() throws -> [NamedDevice] { try get("/v1/devices") }
    package func make(_ device: NamedDeviceRequest) throws { try send("POST", "/v1/devices", device) }
    package func resize(_ name: String, to amounts: NamedDeviceRequest.Amounts) throws {
        try send("PATCH", "/v1/devices/\(escaped(name))", amounts)
    }
    package func deleteDevice(_ name: String) throws { try send("DELETE", "/v1/devices/\(escaped(name))") }

    package func drain(_ machine: String, why: String) throws {
        try send("POST", "/v1/machines/\(escaped(machine))/drain", DrainRequest(why: why))
    }
    package func undrain(_ machine: String) throws {
        try send("POST", "/v1/machines/\(escaped(machine))/undrain")
    }

    package func setHealth(_ health: HealthRequest, of machine: String) throws {
        try send("POST", "/v1/machines/\(escaped(machine))/health", health)
    }

    /// The path of the new backup.
    package func backup() throws -> BackupReply { try send("POST", "/v1/backup", [String: String]()) }

    /// Asks the daemon to end, as SIGTERM does; jobs go on.
    package func shutDown() throws { try send("POST", "/v1/shutdown") }
}

/// `POST /v1/machines/NAME/drain`.
package struct DrainRequest: Hashable, Codable, Sendable {
    package var why: String
    package init(why: String) { self.why = why }
}

/// `POST /v1/machines/NAME/health`: an operator's word on a part.
package struct HealthRequest: Hashable, Codable, Sendable {
    /// A NUMA node or an accelerator; nil is the whole machine.
    package var device: DeviceID?
    package var level: HealthLevel
    package var why: String

    package init(device: DeviceID?, level: HealthLevel, why: String) {
        self.device = device
        self.level = level
        self.why = why
    }
}

/// The answer to `POST /v1/backup`.
package struct BackupReply: Hashable, Codable, Sendable {
    package var path: String
    package init(path: String) { self.path = path }
}

/// A name as part of the path of a request.
package func escaped(_ name: String) -> String {
    var text = ""
    for byte in name.utf8 {
        let character = Character(Unicode.Scalar(byte))
        if character.isASCII, character.isLetter || character.isNumber || "-._~".contains(character) {
            text.append(character)
        } else {
            let digits = String(byte, radix: 16, uppercase: true)
            text += "%" + (digits.count == 1 ? "0" : "") + digits
        }
    }
    return text
}
