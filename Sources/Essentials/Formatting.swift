extension Double {
    /// The number with a fixed count of decimals, rounded half away from zero; `inf` and `nan` by name.
    ///
    /// Foundation's formatting is kept out of the lower floors; this covers what tables and reports need.
    package func formatted(digits: Int) -> String {
        guard isFinite else { return isNaN ? "nan" : self < 0 ? "-inf" : "inf" }
        guard abs(self) < 1e15 else { return "\(self)" }
        var scale = 1.0
        for _ in 0..<digits { scale *= 10 }
        guard abs(self) * scale < 9e18 else { return "\(self)" }
        let scaled = UInt64((abs(self) * scale).rounded())
        let sign = self < 0 && scaled != 0 ? "-" : ""
        guard digits > 0 else { return "\(sign)\(scaled)" }
        let fraction = String(scaled % UInt64(scale))
        return "\(sign)\(scaled / UInt64(scale))." + String(repeating: "0", count: digits - fraction.count)
            + fraction
    }

    /// The number rounded to so many significant digits, without trailing noise: `0.00123`, `45.7`, `1230`.
    package func formatted(significant digits: Int) -> String {
        guard isFinite, self != 0 else { return formatted(digits: 0) }
        var magnitude = 0
        var value = abs(self)
        while value >= 10 {
            value /= 10
            magnitude += 1
        }
        while value < 1 {
            value *= 10
            magnitude -= 1
        }
        return formatted(digits: max(0, digits - 1 - magnitude))
    }
}

extension String {
    /// The text with spaces after it up to `width` characters; longer text is left as it is.
    package func padded(to width: Int) -> String {
        self + String(repeating: " ", count: max(0, width - count))
    }

    /// The text with spaces before it up to `width` characters.
    package func leftPadded(to width: Int) -> String {
        String(repeating: " ", count: max(0, width - count)) + self
    }
}
