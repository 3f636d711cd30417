import Essentials
import Foundation
import Testing

@Suite("Ranks of a job", .timeLimit(.minutes(20)))
struct RankCommandTests {
    private let sandbox: Sandbox

    init() throws { sandbox = try Sandbox() }

    /// Two ranks that also fit on a machine of one core.
    private func twoRanks(_ script: String, _ options: String...) throws -> Finished {
        try sandbox.run(
            ["heng", "submit", "--ranks", "2", "--cores", "0.5"] + options + ["--", "sh", "-c", script])
    }

    /// The lines of one rank without its label.
    private func lines(of rank: Int, _ lines: [String]) -> [String] {
        lines.filter { $0.hasPrefix("[\(rank)] ") }.map { String($0.dropFirst(4)) }
    }

    @Test func `each line says its rank, in order, and nothing is left behind`() throws {
        let run = try twoRanks("seq 1 20000; echo oops >&2; printf last", "-q")

        let expected = (1...20000).map(String.init) + ["last"]
        #expect(run.status == 0)
        for rank in 0..<2 {
            #expect(lines(of: rank, run.lines) == expected)
            #expect(lines(of: rank, run.errorLines) == ["oops"])
        }
        #expect(run.lines.count == 2 * expected.count)
        #expect(try sandbox.temporaryFiles() == [])
        #expect(try FileManager.default.contentsOfDirectory(atPath: sandbox.work) == [])
    }

    @Test func `each rank knows its number, its cores and the table of all`() throws {
        let run = try twoRanks(
            "echo $HENG_RANK $HENG_WORLD_SIZE $HENG_LOCAL_CPUS; tr -d '\\n' <$HENG_RANK_TABLE", "-q")

        #expect(run.status == 0)
        var cpus: [String] = []
        for rank in 0..<2 {
            let words = lines(of: rank, run.lines)[0].split(separator: " ").map(String.init)
            #expect(words[0] == "\(rank)")
            #expect(words[1] == "2")
            cpus.append(words[2])
        }
        let text = lines(of: 0, run.lines).dropFirst().joined()
        let table = try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
        let ranks = try #require(table["ranks"] as? [[String: Any]])
        #expect(table["version"] as? Int == 1)
        #expect(ranks.map { $0["rank"] as? Int } == [0, 1])
        #expect(ranks.map { $0["cpus"] as? String } == cpus)
        #expect((table["communicator"] as? String)?.hasPrefix("/dev/shm/") == true)
    }

    @Test func `a folder keeps each output in a file`() throws {
        let run = try twoRanks("echo $HENG_RANK; echo oops >&2", "-q", "--output-folder", "out/run")

        #expect(run.status == 0)
        #expect(run.output == "")
        for (file, text) in [("rank-0.out", "0\n"), ("rank-1.out", "1\n"), ("rank-1.err", "oops\n")] {
            #expect(try String(contentsOfFile: "\(sandbox.work)/out/run/\(file)", encoding: .utf8) == text)
        }
    }

    @Test func `a file takes the labelled lines of all ranks`() throws {
        let run = try twoRanks("echo out; echo err >&2", "-q", "-o", "all.txt")

        let all = try String(contentsOfFile: sandbox.work + "/all.txt", encoding: .utf8).split(
            separator: "\n")
        #expect(run.output == "")
        #expect(all.sorted() == ["[0] err", "[0] out", "[1] err", "[1] out"])
    }

    @Test func `when nobody reads any more the ranks hear it`() throws {
        let line = "heng submit -q --ranks 2 --cores 0.5 -- yes | head -n 3"
        let run = try sandbox.run(["bash", "-c", line + "; exit ${PIPESTATUS[0]}"])

        #expect(run.status == 128 + 13)
        #expect(run.lines.count == 3)
        #expect(run.errors.contains("SIGPIPE"), "\(run.errors)")
        #expect(try sandbox.temporaryFiles() == [])
    }

    @Test func `the failure of one rank is the job's, and ends the other`() throws {
        let run = try twoRanks("[ $HENG_RANK = 0 ] && exec sleep 1000; exit 5", "-q")

        #expect(run.status != 0)
        #expect(run.errors.contains("rank 1: failed with exit code 5"), "\(run.errors)")
        #expect(try sandbox.processes() == [])
        #expect(try sandbox.temporaryFiles() == [])
    }
}
