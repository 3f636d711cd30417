import Foundation

/// A small image file, made with Pillow.
struct ImageSample: Sendable, CustomStringConvertible {
    var name: String
    var bytes: [UInt8]
    var description: String { name }

    /// The text is base64, in lines.
    init(_ name: String, _ text: String) {
        self.name = name
        bytes = Data(base64Encoded: text, options: .ignoreUnknownCharacters).map(Array.init) ?? []
    }

    static let all = lossless + [jpeg]

    /// Images of the same eight colours.
    static let lossless = [
        ImageSample(
            "PNG",
            """
            iVBORw0KGgoAAAANSUhEUgAAAAQAAAACCAIAAADwyuo0AAAAGUlEQVR42gXBAQEAAACCIKb33EAIVbCtqAOFoAt3itihDAAA
            AABJRU5ErkJggg==
            """),
        ImageSample(
            "PNG with a palette",
            """
            iVBORw0KGgoAAAANSUhEUgAAAAQAAAACBAMAAACNhmBQAAAAGFBMVEX//////wCAgIAA//8A/wD/AAAAAP8AAAAVqH+6AAAA
            DklEQVR4nGMM4WGS2wwAAtUBNcNnpWkAAAAASUVORK5CYII=
            """),
        ImageSample(
            "WebP",
            """
            UklGRjoAAABXRUJQVlA4TC4AAAAvA0AAAD9AkG3To598GgKCouuWI5C08dGffPMfSAJjhuQdBAJkbMaCIAci+h82
            """),
        ImageSample(
            "TIFF",
            """
            SUkqABwAAAAA//4AAP/+AP3//gD+gP///wD//woAAAEDAAEAAAAEAAAAAQEDAAEAAAACAAAAAgEDAAMAAACaAAAAAwEDAAEA
            AAAFgAAABgEDAAEAAAACAAAAEQEEAAEAAAAIAAAAFQEDAAEAAAADAAAAFgEDAAEAAAACAAAAFwEEAAEAAAAUAAAAHAEDAAEA
            AAABAAAAAAAAAAgACAAIAA==
            """),
        ImageSample(
            "JPEG 2000",
            """
            AAAADGpQICANCocKAAAAFGZ0eXBqcDIgAAAAAGpwMiAAAAAtanAyaAAAABZpaGRyAAAAAgAAAAQAAwcHAAAAAAAPY29scgEA
            AAAAABAAAADOanAyY/9P/1EALwAAAAAABAAAAAIAAAAAAAAAAAAAAAQAAAACAAAAAAAAAAAAAwcBAQcBAQcBAf9SAAwAAAAB
            AAEEBAAB/1wAB0BASEhQ/2QAJQABQ3JlYXRlZCBieSBPcGVuSlBFRyB2ZXJzaW9uIDIuNS40/5AACgAAAAAAUwAB/5PH1AQG
            B8+0CAoP34AQBu/H2gU/ADn5ggAHnwnPqwuaWh/PwA5+AHH4AYADOE8KcwwIYn/H2gU/ADn5ggALFwLy1QM4T7//2Q==
            """),
        ImageSample(
            "BMP",
            """
            Qk1OAAAAAAAAADYAAAAoAAAABAAAAAIAAAABABgAAAAAABgAAADEDgAAxA4AAAAAAAAAAAAAAAAAgICAAP////8AAAD/AP8A
            /wAA////
            """),
        ImageSample(
            "PPM",
            """
            UDYKNCAyCjI1NQr/AAAA/wAAAP////8AAACAgID//wAA//8=
            """),
    ]

    /// 8 x 8 pixels of red 200, green 100, blue 50.
    static let jpeg = ImageSample(
        "JPEG",
        """
        /9j/4AAQSkZJRgABAQAAAQABAAD/2wBDAAIBAQEBAQIBAQECAgICAgQDAgICAgUEBAMEBgUGBgYFBgYGBwkIBgcJBwYGCAsI
        CQoKCgoKBggLDAsKDAkKCgr/2wBDAQICAgICAgUDAwUKBwYHCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgoK
        CgoKCgoKCgoKCgoKCgr/wAARCAAIAAgDASIAAhEBAxEB/8QAHwAAAQUBAQEBAQEAAAAAAAAAAAECAwQFBgcICQoL/8QAtRAA
        AgEDAwIEAwUFBAQAAAF9AQIDAAQRBRIhMUEGE1FhByJxFDKBkaEII0KxwRVS0fAkM2JyggkKFhcYGRolJicoKSo0NTY3ODk6
        Q0RFRkdISUpTVFVWV1hZWmNkZWZnaGlqc3R1dnd4eXqDhIWGh4iJipKTlJWWl5iZmqKjpKWmp6ipqrKztLW2t7i5usLDxMXG
        x8jJytLT1NXW19jZ2uHi4+Tl5ufo6erx8vP09fb3+Pn6/8QAHwEAAwEBAQEBAQEBAQAAAAAAAAECAwQFBgcICQoL/8QAtREA
        AgECBAQDBAcFBAQAAQJ3AAECAxEEBSExBhJBUQdhcRMiMoEIFEKRobHBCSMzUvAVYnLRChYkNOEl8RcYGRomJygpKjU2Nzg5
        OkNERUZHSElKU1RVVldYWVpjZGVmZ2hpanN0dXZ3eHl6goOEhYaHiImKkpOUlZaXmJmaoqOkpaanqKmqsrO0tba3uLm6wsPE
        xcbHyMnK0tPU1dbX2Nna4uPk5ebn6Onq8vP09fb3+Pn6/9oADAMBAAIRAxEAPwDPooor+Vz+2D//2Q==
        """)
}
