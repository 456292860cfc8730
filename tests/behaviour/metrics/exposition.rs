//! A strict parser of the OpenMetrics text format, version 1.0.

use std::collections::{BTreeMap, BTreeSet};

pub(super) type Labels = BTreeMap<String, String>;

#[derive(Debug)]
pub(super) struct Exemplar {
    pub(super) labels: Labels,
    pub(super) value: f64,
    pub(super) timestamp: f64,
}

#[derive(Debug)]
pub(super) struct Sample {
    pub(super) name: String,
    pub(super) labels: Labels,
    pub(super) value: f64,
    pub(super) exemplar: Option<Exemplar>,
}

/// Returns the samples, after checking everything that the format demands of counters and histograms.
pub(super) fn parse(text: &str) -> Result<Vec<Sample>, String> {
    let body = text.strip_suffix("# EOF\n").ok_or("the text does not end with `# EOF`")?;
    let mut parser = Parser::default();
    for line in body.split_terminator('\n') {
        parser.line(line).map_err(|why| format!("{why}: {line}"))?;
    }
    parser.end_family()?;
    Ok(parser.samples)
}

#[derive(Default)]
struct Parser {
    samples: Vec<Sample>,
    families: BTreeSet<String>,
    series: BTreeSet<String>,
    family: String,
    kind: String,
    has_samples: bool,
    /// The position of the first sample of the family.
    first: usize,
}

impl Parser {
    fn line(&mut self, line: &str) -> Result<(), String> {
        match line.strip_prefix("# ") {
            Some(descriptor) => self.descriptor(descriptor),
            None => self.sample(line),
        }
    }

    fn descriptor(&mut self, text: &str) -> Result<(), String> {
        let parts: Vec<&str> = text.splitn(3, ' ').collect();
        let [what, name, value] = parts[..] else { return Err("an incomplete descriptor".into()) };
        if what == "TYPE" {
            self.end_family()?;
            let is_name = |c: char| c.is_ascii_lowercase() || c == '_';
            if !name.chars().all(is_name) || !self.families.insert(name.to_owned()) {
                return Err("an invalid or repeated name".into());
            }
            if !["counter", "histogram"].contains(&value) || name.ends_with("_total") {
                return Err("an unexpected type or suffix".into());
            }
            (self.family, self.kind) = (name.to_owned(), value.to_owned());
            self.has_samples = false;
            self.first = self.samples.len();
            return Ok(());
        }
        if name != self.family || self.has_samples {
            return Err("a descriptor outside its family".into());
        }
        match what {
            "UNIT" if name.ends_with(&format!("_{value}")) => Ok(()),
            "HELP" if !value.contains(['\\', '"']) => Ok(()),
            _ => Err("an invalid descriptor".into()),
        }
    }

    fn sample(&mut self, line: &str) -> Result<(), String> {
        let mut reader = Reader(line);
        let name = reader.name()?;
        let labels = if reader.0.starts_with('{') { reader.labels()? } else { Labels::new() };
        let series = line[..line.len() - reader.0.len()].to_owned();
        if !self.series.insert(series) {
            return Err("a repeated series".into());
        }
        reader.expect(" ")?;
        let value = reader.number()?;
        let exemplar = if reader.0.is_empty() { None } else { Some(reader.exemplar()?) };
        let suffix = name.strip_prefix(&self.family).ok_or("a sample outside its family")?;
        let may_have_exemplar = match (self.kind.as_str(), suffix) {
            ("counter", "_total") | ("histogram", "_bucket") => true,
            ("histogram", "_count" | "_sum") => false,
            _ => return Err("an unexpected suffix".into()),
        };
        if exemplar.is_some() && !may_have_exemplar {
            return Err("an exemplar where none is allowed".into());
        }
        if value < 0.0 || labels.contains_key("le") != (suffix == "_bucket") {
            return Err("an invalid value or label".into());
        }
        self.has_samples = true;
        self.samples.push(Sample { name, labels, value, exemplar });
        Ok(())
    }

    /// Checks that the histograms of a family are complete.
    fn end_family(&mut self) -> Result<(), String> {
        if self.kind != "histogram" {
            return Ok(());
        }
        let mut histograms = BTreeMap::<Labels, Vec<&Sample>>::new();
        for sample in &self.samples[self.first..] {
            let mut labels = sample.labels.clone();
            labels.remove("le");
            histograms.entry(labels).or_default().push(sample);
        }
        for (labels, samples) in histograms {
            let wrong = |why: &str| Err(format!("{why}: {} {labels:?}", self.family));
            let [buckets @ .., count, sum] = &samples[..] else { return wrong("incomplete") };
            if !count.name.ends_with("_count") || !sum.name.ends_with("_sum") {
                return wrong("without count and sum at its end");
            }
            let (mut bound, mut many) = (0.0, 0.0);
            for bucket in buckets {
                let text = &bucket.labels["le"];
                let le: f64 = text.parse().map_err(|_| format!("{text} is not a bound"))?;
                if le <= bound || bucket.value < many {
                    return wrong("buckets that do not rise");
                }
                if let Some(exemplar) = &bucket.exemplar
                    && (exemplar.value <= bound && bound > 0.0 || exemplar.value > le)
                {
                    return wrong("an exemplar outside its bucket");
                }
                (bound, many) = (le, bucket.value);
            }
            if bound != f64::INFINITY || many != count.value {
                return wrong("a last bucket that is not the count");
            }
        }
        Ok(())
    }
}

struct Reader<'a>(&'a str);

impl Reader<'_> {
    fn expect(&mut self, text: &str) -> Result<(), String> {
        self.0 = self.0.strip_prefix(text).ok_or_else(|| format!("expected `{text}`"))?;
        Ok(())
    }

    fn name(&mut self) -> Result<String, String> {
        let is_of_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let end = self.0.find(|c| !is_of_name(c)).unwrap_or(self.0.len());
        let (name, rest) = self.0.split_at(end);
        if name.is_empty() || name.starts_with(|c: char| c.is_ascii_digit()) {
            return Err("expected a name".into());
        }
        self.0 = rest;
        Ok(name.to_owned())
    }

    fn labels(&mut self) -> Result<Labels, String> {
        self.expect("{")?;
        let mut labels = Labels::new();
        while !self.0.starts_with('}') {
            if !labels.is_empty() {
                self.expect(",")?;
            }
            let name = self.name()?;
            self.expect("=\"")?;
            if labels.insert(name, self.quoted()?).is_some() {
                return Err("a repeated label".into());
            }
        }
        self.expect("}")?;
        Ok(labels)
    }

    /// Reads up to the closing quote.
    fn quoted(&mut self) -> Result<String, String> {
        let mut value = String::new();
        let mut chars = self.0.char_indices();
        while let Some((at, c)) = chars.next() {
            match c {
                '"' => {
                    self.0 = &self.0[at + 1..];
                    return Ok(value);
                }
                '\\' => value.push(match chars.next() {
                    Some((_, 'n')) => '\n',
                    Some((_, c @ ('"' | '\\'))) => c,
                    _ => return Err("an invalid escape".into()),
                }),
                c => value.push(c),
            }
        }
        Err("a value without an end".into())
    }

    fn number(&mut self) -> Result<f64, String> {
        let end = self.0.find(' ').unwrap_or(self.0.len());
        let (text, rest) = self.0.split_at(end);
        let is_of_number = |c: char| c.is_ascii_digit() || c == '.';
        self.0 = rest;
        let number = text.parse().ok().filter(|_| text.chars().all(is_of_number));
        number.ok_or_else(|| format!("`{text}` is not a number"))
    }

    fn exemplar(&mut self) -> Result<Exemplar, String> {
        self.expect(" # ")?;
        let labels = self.labels()?;
        let length = labels.iter().map(|(k, v)| k.chars().count() + v.chars().count());
        if length.sum::<usize>() > 128 {
            return Err("an exemplar with more than 128 characters".into());
        }
        self.expect(" ")?;
        let value = self.number()?;
        self.expect(" ")?;
        let timestamp = self.number()?;
        if !self.0.is_empty() {
            return Err("text after the exemplar".into());
        }
        Ok(Exemplar { labels, value, timestamp })
    }
}

#[test]
fn the_parser_rejects_what_the_format_does_not_allow() {
    let valid = "# TYPE a_seconds histogram\n# UNIT a_seconds seconds\n# HELP a_seconds A.\n\
                 a_seconds_bucket{s=\"x\\\"y\",le=\"1.0\"} 1 # {request_id=\"r\"} 0.5 1.000\n\
                 a_seconds_bucket{s=\"x\\\"y\",le=\"+Inf\"} 2\na_seconds_count{s=\"x\\\"y\"} 2\n\
                 a_seconds_sum{s=\"x\\\"y\"} 3.5\n# TYPE b counter\nb_total{s=\"x\"} 1\n# EOF\n";
    let samples = parse(valid).expect("valid");
    assert_eq!((samples.len(), samples[0].labels["s"].as_str()), (5, "x\"y"));
    let exemplar = samples[0].exemplar.as_ref().expect("an exemplar");
    assert_eq!((exemplar.value, exemplar.timestamp), (0.5, 1.0));
    for (from, to) in [
        ("# EOF\n", "# EOF"),
        ("b_total", "c_total"),
        ("b_total{s=\"x\"} 1\n", "b_total{s=\"x\"} 1\nb_total{s=\"x\"} 1\n"),
        ("} 3.5", "} NaN"),
        ("\"+Inf\"} 2", "\"+Inf\"} 3"),
        ("\"1.0\"} 1 #", "\"1.0\"} 3 #"),
        ("0.5 1.000", "1.5 1.000"),
        ("# UNIT a_seconds seconds", "# UNIT a_seconds ms"),
        ("x\\\"y\",le=\"1.0", "x\"y\",le=\"1.0"),
        ("a_seconds_sum{s=\"x\\\"y\"} 3.5\n", ""),
        ("# TYPE b counter", "# TYPE b_total counter"),
        ("b_total{s=\"x\"} 1", "b_total{s=\"x\",s=\"x\"} 1"),
        ("request_id=\"r\"", &format!("request_id=\"{}\"", "r".repeat(119))),
    ] {
        let broken = valid.replace(from, to);
        assert!(broken != valid && parse(&broken).is_err(), "{from} as {to}");
    }
}
