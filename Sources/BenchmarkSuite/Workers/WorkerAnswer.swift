internal import FoundationEssentials
internal import Results

/// What a worker process tells the run that started it, as a JSON file in the run's folder.
enum WorkerAnswer {
    static func write(_ answer: some Encodable, to path: String) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys]
        try DurableFile.write(Array(try encoder.encode(answer)), to: path)
    }

    static func read<Answer: Decodable>(_ type: Answer.Type, from path: String) throws -> Answer {
        try JSONDecoder().decode(type, from: Data(try DurableFile.read(path)))
    }
}
