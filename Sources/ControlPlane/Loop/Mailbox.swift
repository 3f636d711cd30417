internal import Essentials
internal import Foundation
internal import Synchronization

/// Where other threads leave what the owner of the state should do; the owner takes everything at once.
///
/// What is taken together is written in one transaction, so the more arrives while the disk is busy, the more shares
/// the next wait for it.
final class Mailbox<Mail: Sendable>: Sendable {
    private let mails = Mutex<[Mail]>([])
    private let arrived = DispatchSemaphore(value: 0)

    func put(_ mail: Mail) {
        let wasEmpty = mails.withLock { mails in
            mails.append(mail)
            return mails.count == 1
        }
        if wasEmpty { arrived.signal() }
    }

    /// Everything that has arrived, after waiting for it; empty when the time is over first.
    func takeAll(waitingAtMost limit: Duration?) -> [Mail] {
        let limit = limit.map { DispatchTime.now() + .nanoseconds(Int(max(0, $0.nanoseconds))) }
        _ = arrived.wait(timeout: limit ?? .distantFuture)
        return mails.withLock { mails in
            defer { mails = [] }
            return mails
        }
    }
}
