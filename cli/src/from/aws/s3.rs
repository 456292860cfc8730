//! Objects of a bucket, one after the other.

use std::io::{self, BufReader, Cursor, Read};
use std::time::Duration;
use std::vec::IntoIter;

use flate2::bufread::MultiGzDecoder;

use super::sign::encode;
use super::{REPEATED, Service};
use crate::from::remark;
use crate::from::transfer::NO_LENGTH;
use crate::read::{Remarks, Unreadable};

/// The most bytes of one page of the list.
const MAX_PAGE: u64 = 16 << 20;
/// The most objects that are read. Their keys are held in memory.
const MAX_KEYS: usize = 1_000_000;

/// The objects whose keys begin with a prefix, in the order of their keys.
pub(in crate::from) struct Objects {
    service: Service,
    bucket: String,
    keys: IntoIter<String>,
    remarks: Remarks,
    current: Option<Box<dyn Read>>,
    /// Whether the latest byte was a line feed: the last line of an object may lack it.
    is_line_end: bool,
}

impl Objects {
    /// Lists the objects.
    pub(in crate::from) fn open(
        bucket: &str,
        prefix: &str,
        idle: Duration,
        remarks: Remarks,
    ) -> Result<Self, String> {
        let service = Service::new("s3", "AWS_ENDPOINT_URL_S3", idle)?;
        let mut keys = Vec::new();
        let mut next: Option<String> = None;
        loop {
            let mut query: Vec<(&str, String)> = Vec::new();
            query.extend(next.clone().map(|token| ("continuation-token", token)));
            query.extend([("list-type", "2".to_owned()), ("prefix", prefix.to_owned())]);
            let answer = service.send(&format!("/{}", encode(bucket, false)), &query, &[], "")?;
            let mut page = String::new();
            let read = answer.body.take(MAX_PAGE).read_to_string(&mut page);
            read.map_err(|why| why.to_string())?;
            if !page.trim_end().ends_with("</ListBucketResult>") {
                return Err("the list of objects is cut off".to_owned());
            }
            keys.extend(elements(&page, "Key").filter(|key| !key.ends_with('/')));
            if keys.len() > MAX_KEYS {
                return Err(format!(
                    "more than {MAX_KEYS} objects have this prefix; use a longer one"
                ));
            }
            if !elements(&page, "IsTruncated").any(|value| value == "true") {
                break;
            }
            let token = elements(&page, "NextContinuationToken").next();
            let token = token.ok_or("the list of objects is cut off")?;
            if next.as_ref() == Some(&token) {
                return Err(REPEATED.to_owned());
            }
            next = Some(token);
        }
        if keys.is_empty() {
            return Err(
                "no object has a key with this prefix; check it, or use a shorter one".to_owned()
            );
        }
        Ok(Objects {
            service,
            bucket: bucket.to_owned(),
            keys: keys.into_iter(),
            remarks,
            current: None,
            is_line_end: true,
        })
    }

    fn next_object(&mut self) -> io::Result<bool> {
        let Some(key) = self.keys.next() else { return Ok(false) };
        let path = format!("/{}/{}", encode(&self.bucket, false), encode(&key, true));
        let answer = self.service.send(&path, &[], &[], "").map_err(io::Error::other)?;
        if !answer.has_length {
            remark(&self.remarks, NO_LENGTH);
        }
        let mut body = answer.body;
        let mut start = Vec::new();
        body.by_ref().take(Unreadable::START).read_to_end(&mut start)?;
        if let Some(why) = Unreadable::unsupported(&start) {
            return Err(why);
        }
        let is_gzip = start.starts_with(&[0x1f, 0x8b]);
        let body = BufReader::with_capacity(1 << 16, Cursor::new(start).chain(body));
        self.current =
            Some(if is_gzip { Box::new(MultiGzDecoder::new(body)) } else { Box::new(body) });
        Ok(true)
    }
}

impl Read for Objects {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        loop {
            let Some(current) = &mut self.current else {
                if self.next_object()? {
                    continue;
                }
                return Ok(0);
            };
            let count = current.read(into)?;
            if count > 0 {
                self.is_line_end = into[count - 1] == b'\n';
                return Ok(count);
            }
            self.current = None;
            if !self.is_line_end && !into.is_empty() {
                self.is_line_end = true;
                into[0] = b'\n';
                return Ok(1);
            }
        }
    }
}

/// The contents of all elements with a name. AWS's lists have no attributes, and no nested elements with these names.
fn elements<'a>(xml: &'a str, name: &str) -> impl Iterator<Item = String> + 'a {
    let (open, close) = (format!("<{name}>"), format!("</{name}>"));
    let mut rest = xml;
    std::iter::from_fn(move || {
        let start = rest.find(&open)? + open.len();
        let end = start + rest[start..].find(&close)?;
        let text = &rest[start..end];
        rest = &rest[end..];
        Some(unescape(text))
    })
}

fn unescape(text: &str) -> String {
    let named = [
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&quot;", "\""),
        ("&apos;", "'"),
        ("&#39;", "'"),
        ("&#34;", "\""),
    ];
    let text = named.iter().fold(text.to_owned(), |text, (from, to)| text.replace(from, to));
    text.replace("&amp;", "&")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_those_of_the_list() {
        let page = "<R><Key>a/b.log</Key><Size>1</Size><Key>x &amp;lt; &amp; y</Key></R>";
        assert_eq!(elements(page, "Key").collect::<Vec<_>>(), ["a/b.log", "x &lt; & y"]);
        assert_eq!(elements("<Key>cut", "Key").count(), 0);
    }
}
