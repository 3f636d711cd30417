package import Backends

/// The least times that the measured ceilings allow for a model's work, by the roofline.
package struct WorkBounds {
    /// Seconds that one sample takes at least, alone on one replica.
    package var secondsAlone: Double
    /// Samples per second of all replicas together at most, in batches.
    package var rate: Double

    /// A replica has its share of a node's cores, but may use the node's whole memory bandwidth when it is alone.
    package init(_ model: PreparationAnswer, ceilings: [MeasuredCeilings], shareOfNode: Double) {
        let bytesPerSample = model.bytesPerBatch / Double(model.batch)
        secondsAlone =
            ceilings.map { node in
                max(
                    model.flopPerSample / (node.operationsPerSecond * shareOfNode),
                    model.bytesAlone / node.bytesPerSecond)
            }.min() ?? 0
        rate = ceilings.reduce(0) { sum, node in
            sum + 1
                / max(model.flopPerSample / node.operationsPerSecond, bytesPerSample / node.bytesPerSecond)
        }
    }
}
