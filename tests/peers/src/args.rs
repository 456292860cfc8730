//! The command line.

use std::path::PathBuf;

/// Fewer rounds give no median worth the name.
const FEWEST_ROUNDS: usize = 9;

#[derive(Debug)]
pub(crate) struct Args {
    /// Where the figures go, beside the tables.
    pub(crate) json: Option<PathBuf>,
    pub(crate) rounds: usize,
    /// What has no such part in its name is left out, but for the floor; ratios go with their rows.
    pub(crate) rows: String,
    /// Compiles the generated crates too, which takes minutes.
    pub(crate) compile: bool,
    /// Tables in Markdown.
    pub(crate) markdown: bool,
}

impl Args {
    /// The error is a sentence for whoever typed the arguments.
    pub(crate) fn parse(mut words: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut args =
            Args { json: None, rounds: 41, rows: String::new(), compile: false, markdown: false };
        while let Some(word) = words.next() {
            match word.as_str() {
                "--json" => {
                    let file = words.next().ok_or("`--json` needs the name of a file")?;
                    args.json = Some(file.into());
                }
                "--rounds" => {
                    let rounds = words.next().and_then(|number| number.parse().ok());
                    args.rounds =
                        rounds.filter(|rounds| *rounds >= FEWEST_ROUNDS).ok_or_else(|| {
                            format!("`--rounds` needs a number from {FEWEST_ROUNDS} on")
                        })?;
                }
                "--rows" => args.rows = words.next().ok_or("`--rows` needs a part of a name")?,
                "--compile" => args.compile = true,
                "--markdown" => args.markdown = true,
                other => {
                    return Err(format!(
                        "unknown argument `{other}`; expected `--json FILE`, `--rounds N`, \
                         `--rows PART`, `--compile` or `--markdown`"
                    ));
                }
            }
        }
        Ok(args)
    }

    pub(crate) fn wants(&self, name: &str) -> bool {
        name.contains(&self.rows)
    }
}
