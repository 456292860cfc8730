//! Prices of stored logs: `0.50/GiB`.

/// Price of an amount of bytes.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Price {
    /// Prefix of the amount: `$`, or empty.
    currency: String,
    per_byte: f64,
}

/// Units with their bytes.
const UNITS: [(&str, f64); 8] = [
    ("KB", 1e3),
    ("MB", 1e6),
    ("GB", 1e9),
    ("TB", 1e12),
    ("KiB", 1024.0),
    ("MiB", 1_048_576.0),
    ("GiB", 1_073_741_824.0),
    ("TiB", 1_099_511_627_776.0),
];

/// More bytes than any bill has, with `--per-month` too. Their price must be finite.
const MOST_BYTES: f64 = 1e32;

impl Price {
    /// Parses `0.50/GiB` or `$0.50/GB`.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let wrong = || {
            let units = UNITS.map(|(unit, _)| unit).join(", ");
            format!("expected a price per unit, such as 0.50/GiB or $0.50/GB; units are {units}")
        };
        let (money, unit) = text.trim().split_once('/').ok_or_else(wrong)?;
        let unit = unit.trim();
        let known = UNITS.iter().find(|(known, _)| known.eq_ignore_ascii_case(unit));
        let (_, bytes) = known.ok_or_else(wrong)?;
        let digits = money.find(|c: char| c.is_ascii_digit() || c == '.').ok_or_else(wrong)?;
        let (currency, amount) = money.split_at(digits);
        let is_number = amount.trim_end().bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
        let amount: f64 = amount.trim_end().parse().map_err(|_| wrong())?;
        let has_sign = currency.contains(['-', '+', '<', '>', '&']);
        let per_byte = amount / bytes;
        let is_finite = (per_byte * MOST_BYTES).is_finite();
        if !is_number || has_sign || currency.chars().count() > 4 || !is_finite {
            return Err(wrong());
        }
        Ok(Price { currency: currency.trim().to_owned(), per_byte })
    }

    pub(super) fn of(&self, bytes: f64) -> f64 {
        self.per_byte * bytes
    }

    /// Formats the price of `bytes`: `$12.50`, `<$0.01`.
    pub(super) fn show(&self, bytes: f64) -> String {
        let amount = self.of(bytes);
        let space = if self.currency.ends_with(char::is_alphabetic) { " " } else { "" };
        let (less, amount) =
            if amount > 0.0 && amount < 0.005 { ("<", 0.01) } else { ("", amount) };
        let written = format!("{amount:.2}");
        let (whole, cents) = written.split_once('.').unwrap_or((&written, "00"));
        format!("{less}{}{space}{}.{cents}", self.currency, crate::screen::grouped(whole))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_price_has_an_amount_and_a_unit() {
        let gib = Price::parse("0.50/GiB").unwrap();
        assert_eq!(gib.show(2.0 * 1_073_741_824.0), "1.00");
        assert_eq!(Price::parse("$0.50/GB").unwrap().show(5e12), "$2,500.00");
        assert_eq!(Price::parse("EUR 3/mb").unwrap().show(1e3), "<EUR 0.01");
        for wrong in
            ["", "0.50", "/GiB", "x/GiB", "-1/GiB", "1/parsec", "1e9/GB", "nan/GB", "1.2.3/GB"]
        {
            assert!(Price::parse(wrong).is_err(), "{wrong}");
        }
        assert!(Price::parse(&format!("{}/GB", "9".repeat(308))).is_err());
    }
}
