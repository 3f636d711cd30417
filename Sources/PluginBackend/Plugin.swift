package import AcceleratorAPI
internal import CHengAccelerator
internal import Essentials
internal import Synchronization

#if canImport(Glibc)
internal import Glibc
#endif

/// A vendor's library that is loaded, and whose table has passed the checks.
package struct Plugin: Sendable {
    /// The manifest or library, by the path that it was found under.
    package let path: String
    /// The library, by its canonical path.
    package let library: String
    package let vendor: String
    package let version: String
    /// The name in its table.
    package let name: String
    /// The kinds of devices that its manifest names; nil without a manifest.
    package let kinds: [String]?
    package let backend: Backend
}

extension Plugin {
    /// Its devices, each of a kind that the manifest names; the first call initializes the plugin.
    package func devices(checked: Bool = CheckingLayer.isRequested) throws(PluginError) -> [Device] {
        let devices: [Device]
        do throws(DeviceError) {
            devices = try DeviceRegistry.shared.devices(of: backend, checked: checked)
        } catch {
            throw PluginError(error.code, plugin: path, error.text)
        }
        if let kinds, let stray = devices.first(where: { !kinds.contains($0.id.kind) }) {
            throw PluginError(
                .general, plugin: path,
                "It has a device of the kind \(stray.id.kind), which its manifest does not name.")
        }
        return devices
    }
}

extension Plugin {
    /// Loads what a path names: a manifest (`.json`) or a library.
    ///
    /// A library is loaded once per process and stays; a path that leads to it again gives the same plugin.
    package static func load(_ path: String) throws(PluginError) -> Plugin {
        let manifest: PluginManifest? = path.hasSuffix(".json") ? try read(path) : nil
        let library = try PluginFile.canonical(
            manifest.map { PluginFile.path($0.library, beside: path) } ?? path, of: path)
        if let digest = manifest?.sha256 { try PluginFile.check(library, hasSHA256: digest, of: path) }
        let outcome = loaded.withLock { loaded -> Result<Plugin, PluginError> in
            if let known = loaded[library] { return known }
            let outcome = Result { () throws(PluginError) in
                try open(library, manifest: manifest, foundAs: path)
            }
            loaded[library] = outcome
            return outcome
        }
        return try outcome.get()
    }

    /// Every library that this process has tried.
    private static let loaded = Mutex<[String: Result<Plugin, PluginError>]>([:])

    private static func read(_ path: String) throws(PluginError) -> PluginManifest {
        try PluginManifest(contentsOf: PluginFile.canonical(path, of: path))
    }

    private static func open(
        _ library: String, manifest: PluginManifest?, foundAs path: String
    ) throws(PluginError) -> Plugin {
        guard let handle = unsafe dlopen(library, RTLD_NOW | RTLD_LOCAL) else {
            throw PluginError(.file, plugin: path, "The system cannot load it: \(lastLoaderError()).")
        }
        guard let symbol = unsafe dlsym(handle, HENG_ACCELERATOR_GETTER_NAME) else {
            throw PluginError(
                .file, plugin: path,
                "It does not export \(HENG_ACCELERATOR_GETTER_NAME), so it is no plugin.")
        }
        let getter = unsafe unsafeBitCast(symbol, to: heng_accelerator_getter.self)
        let table = unsafe getter(HENG_ACCELERATOR_MAJOR)
        if let problem = unsafe TableCheck.problem(of: table, plugin: path) { throw problem }
        guard let full = unsafe StructCrossing.read(table, zero: heng_accelerator_table()) else {
            throw PluginError(.version, plugin: path, "Its table cannot be read.")
        }
        let copy = unsafe DeviceTable(owning: full)
        return unsafe Plugin(
            path: path, library: library,
            vendor: manifest?.vendor ?? text(full.vendor) ?? "unknown",
            version: manifest?.version ?? text(full.version) ?? "unknown", name: copy.name,
            kinds: manifest?.kinds,
            backend: Backend(
                name: copy.name, key: library, services: HostServices.make(for: copy.name)
            ) { major in
                major == HENG_ACCELERATOR_MAJOR ? unsafe copy.functions : nil
            })
    }

    private static func text(_ pointer: UnsafePointer<CChar>?) -> String? {
        unsafe pointer.map { unsafe String(cString: $0) }
    }

    private static func lastLoaderError() -> String {
        unsafe dlerror().map { unsafe String(cString: $0) } ?? "no reason is given"
    }
}
