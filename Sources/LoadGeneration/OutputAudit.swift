internal import Essentials
package import Results
internal import Telemetry

/// Tests against answers that are not worked for; the ids are those of MLPerf's compliance tests.
package enum OutputAudit {
    /// TEST01: answers given while the clock ran must be those of the accuracy run.
    ///
    /// A random part of the timed samples is compared, drawn by the challenge seed, at most `count`. Classes must
    /// be equal. The hashes of the whole answers may differ where batches change the order of sums, so their
    /// share is reported only.
    package static func sameOutputs(
        timed: LoadFacts, accuracy: LoadFacts, count: Int = 1000
    ) -> Audit {
        var reference: [Int32: IssuedSample] = [:]
        for sample in accuracy.samples where sample.end != nil { reference[sample.sample] = sample }
        var random = SeededGenerator(seed: timed.settings.seeds.challenge, purpose: "output audit")
        let looked = timed.samples.filter { $0.end != nil }.shuffled(using: &random).prefix(count)
        let wrong = looked.filter { reference[$0.sample]?.result != $0.result }
        var detail =
            "\(looked.count - wrong.count) of \(looked.count) answers equal those of the accuracy run"
        if looked.contains(where: { $0.outputHash != 0 }) {
            let sameBits = looked.count { reference[$0.sample]?.outputHash == $0.outputHash }
            detail += ", \(sameBits) to the bit"
        }
        if let first = wrong.first {
            let expected = reference[first.sample].map { "\($0.result)" } ?? "no answer"
            detail += "; sample \(first.sample) gave \(first.result) instead of \(expected)"
        }
        return Audit(id: "TEST01", pass: !looked.isEmpty && wrong.isEmpty, detail: detail)
    }

    /// TEST04: the same sample again and again must not be answered faster than different ones.
    ///
    /// Takes one or more turns of both kinds, close together in time, of the same scenario, and judges the median
    /// gain, so that a machine whose speed changes for a while decides nothing. `tolerance` is the gain that noise
    /// may give.
    package static func noCaching(
        _ turns: [(different: LoadFacts, repeated: LoadFacts)], tolerance: Double = 0.1
    ) -> Audit {
        precondition(
            turns.allSatisfy { $0.repeated.settings.picking == .repeated },
            "the second run of a turn must ask for one sample again and again")
        let gains = turns.compactMap { turn -> Double? in
            guard let plain = turn.different.completedRate, let same = turn.repeated.completedRate else {
                return nil
            }
            return same / plain - 1
        }
        guard gains.count == turns.count, let gain = SortedSamples(gains).percentile(0.5) else {
            return Audit(id: "TEST04", pass: false, detail: "one of the runs has no answers")
        }
        let word = gain >= 0 ? "faster" : "slower"
        return Audit(
            id: "TEST04", pass: gain <= tolerance,
            detail:
                "one repeated sample is \((abs(gain) * 100).formatted(digits: 1)) % \(word) than different ones "
                + "(median of \(turns.count)); \((tolerance * 100).formatted(digits: 0)) % faster is allowed")
    }
}

extension LoadFacts {
    /// The class that each sample of an accuracy run was given; samples without an answer are left out.
    package var results: [Int32: Int32] {
        var results: [Int32: Int32] = [:]
        for sample in samples where sample.end != nil && !sample.flags.contains(.failed) {
            results[sample.sample] = sample.result
        }
        return results
    }
}
