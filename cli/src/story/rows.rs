//! The displayed tree: one for all services, with equal siblings folded into one row.

use std::collections::HashMap;

use super::callers::CallIndex;
use super::model::{Item, ItemKind, Mark, Part, Severity, Story};
use super::notes;
use super::timings::covered;
use crate::line::{Level, value_text};
use crate::time::{Micros, to_ms};

/// Fewest equal siblings that are folded.
const MIN_FOLDED: usize = 3;
/// Fewest equal calls, one after another, that are reported.
const MIN_REPEATED: usize = 10;
/// Calls run one after another if their union is at least this share of their sum.
const SEQUENTIAL_SHARE: f64 = 0.8;
/// Most services that a request is shown below: one called by one called by another, and so on.
const MAX_NESTED: usize = 32;
/// Deepest level of the displayed tree; deeper rows are shown at this level.
const MAX_LEVEL: usize = 80;

/// The rows of a story.
#[derive(Debug)]
pub(crate) struct StoryTree<'a> {
    pub(crate) nodes: Vec<TreeNode<'a>>,
    /// Indexes of the outermost nodes.
    pub(crate) roots: Vec<usize>,
    /// `roots` with equal siblings folded.
    pub(crate) folded_roots: Vec<usize>,
    /// Whether a row shows the first request, whose title is above the tree otherwise.
    pub(crate) has_request_rows: bool,
}

/// A row of the tree.
#[derive(Debug)]
pub(crate) struct TreeNode<'a> {
    pub(crate) kind: NodeKind<'a>,
    pub(crate) start: Micros,
    pub(crate) end: Micros,
    pub(crate) children: Vec<usize>,
    /// `children` with equal siblings folded. The children of a folded row are those of all its members.
    pub(crate) folded: Vec<usize>,
}

#[derive(Debug)]
pub(crate) enum NodeKind<'a> {
    /// A request at one of several services: the index of the part.
    Request(usize),
    Item {
        part: usize,
        item: &'a Item,
    },
    /// Equal siblings, by start time.
    Folded(Vec<usize>),
}

/// Equal calls that ran one after another.
#[derive(Debug)]
pub(crate) struct Repeated {
    pub(crate) name: String,
    pub(crate) count: usize,
    pub(crate) total_ms: f64,
    /// The service, in a story of several.
    pub(crate) service: String,
}

impl<'a> StoryTree<'a> {
    pub(crate) fn new(story: &'a Story) -> Self {
        let mut tree = StoryTree {
            nodes: Vec::new(),
            roots: Vec::new(),
            folded_roots: Vec::new(),
            has_request_rows: story.parts.len() > 1,
        };
        let calls: Vec<_> = (0..story.parts.len()).map(|part| tree.add_part(story, part)).collect();
        if tree.has_request_rows {
            tree.nest_requests(story, &calls);
        }
        tree.fold(story);
        tree
    }

    fn push(&mut self, kind: NodeKind<'a>, start: Micros, end: Micros) -> usize {
        self.nodes.push(TreeNode { kind, start, end, children: Vec::new(), folded: Vec::new() });
        self.nodes.len() - 1
    }

    /// Adds the rows of a part. Returns the nodes of its items, by index.
    fn add_part(&mut self, story: &'a Story, index: usize) -> HashMap<usize, usize> {
        let part = &story.parts[index];
        // The nodes of the ancestors. Those follow from the depths, which are limited.
        let mut ancestors: Vec<usize> = Vec::new();
        let base = usize::from(self.has_request_rows);
        if self.has_request_rows {
            ancestors.push(self.push(NodeKind::Request(index), part.start, part.end));
        }
        let mut nodes = HashMap::new();
        for (item_index, depth) in &part.order {
            let item = &part.items[*item_index];
            let node = self.push(NodeKind::Item { part: index, item }, item.start, item.end);
            nodes.insert(*item_index, node);
            ancestors.truncate(depth + base);
            match ancestors.last() {
                Some(parent) => self.nodes[*parent].children.push(node),
                None => self.roots.push(node),
            }
            ancestors.push(node);
        }
        nodes
    }

    /// Puts the row of each request below the call that made it, if that is known.
    fn nest_requests(&mut self, story: &Story, calls: &[HashMap<usize, usize>]) {
        let requests: Vec<usize> = (0..self.nodes.len())
            .filter(|node| matches!(self.nodes[*node].kind, NodeKind::Request(_)))
            .collect();
        let mut nesting = Nesting::new(story.parts.len());
        let all_calls = CallIndex::new(story);
        let mut with_requests = Vec::new();
        for (index, request) in requests.into_iter().enumerate() {
            let node = all_calls.caller(index).and_then(|(part, item)| {
                let node = *calls[part].get(&item)?;
                nesting.add(index, part).then_some(node)
            });
            let Some(node) = node else {
                self.roots.push(request);
                continue;
            };
            self.nodes[node].children.push(request);
            with_requests.push(node);
        }
        with_requests.sort_unstable();
        with_requests.dedup();
        for node in with_requests {
            let mut children = std::mem::take(&mut self.nodes[node].children);
            children.sort_by_key(|child| self.nodes[*child].start);
            self.nodes[node].children = children;
        }
    }

    /// Returns the nodes with their level, from the outermost on, and siblings in order.
    pub(crate) fn rows(&self, is_folded: bool) -> Vec<(usize, usize)> {
        let children = |node: usize| {
            if is_folded { &self.nodes[node].folded } else { &self.nodes[node].children }
        };
        let roots = if is_folded { &self.folded_roots } else { &self.roots };
        let mut rows = Vec::new();
        let mut open: Vec<(usize, usize)> = roots.iter().rev().map(|root| (*root, 0)).collect();
        while let Some((node, level)) = open.pop() {
            rows.push((node, level));
            let level = (level + 1).min(MAX_LEVEL);
            open.extend(children(node).iter().rev().map(|child| (*child, level)));
        }
        rows
    }

    fn fold(&mut self, story: &Story) {
        let signatures = self.signatures(story);
        let count = self.nodes.len();
        self.folded_roots = self.fold_siblings(&self.roots.clone(), &signatures, MIN_FOLDED);
        for node in 0..count {
            let children = self.nodes[node].children.clone();
            self.nodes[node].folded = self.fold_siblings(&children, &signatures, MIN_FOLDED);
        }
    }

    /// Returns the siblings with a folded row in place of the first of at least `least` equal ones.
    fn fold_siblings(
        &mut self,
        siblings: &[usize],
        signatures: &[Option<usize>],
        least: usize,
    ) -> Vec<usize> {
        let mut members: HashMap<usize, Vec<usize>> = HashMap::new();
        for node in siblings {
            if let Some(signature) = signatures[*node] {
                members.entry(signature).or_default().push(*node);
            }
        }
        let mut folded = Vec::new();
        for node in siblings {
            let signature = signatures[*node];
            let is_span =
                matches!(self.nodes[*node].kind, NodeKind::Item { item, .. } if item.is_span());
            match signature.map(|signature| members.get(&signature).map_or(0, Vec::len)) {
                // They are in the folded row of the first.
                Some(0) => {}
                Some(count) if count >= least && (is_span || least == 1) => {
                    let equal =
                        signature.and_then(|signature| members.insert(signature, Vec::new()));
                    folded.push(self.add_folded(equal.unwrap_or_default(), signatures));
                }
                _ => folded.push(*node),
            }
        }
        folded
    }

    /// Adds a row for equal nodes. Their children become folded rows of their own, whatever their number.
    fn add_folded(&mut self, members: Vec<usize>, signatures: &[Option<usize>]) -> usize {
        let start = members.iter().map(|node| self.nodes[*node].start).min().unwrap_or_default();
        let end = members.iter().map(|node| self.nodes[*node].end).max().unwrap_or_default();
        let inner = members.iter().flat_map(|node| self.nodes[*node].children.iter().copied());
        let mut inner: Vec<usize> = inner.collect();
        inner.sort_by_key(|node| self.nodes[*node].start);
        let inner =
            if inner.is_empty() { inner } else { self.fold_siblings(&inner, signatures, 1) };
        let folded = self.push(NodeKind::Folded(members), start, end);
        self.nodes[folded].folded = inner;
        folded
    }

    /// Returns a number for each node that may be folded: equal nodes have the same one.
    ///
    /// Nodes are equal if they have the same name and equal children; how many children does not matter. A
    /// node with a problem in or below it is equal to none.
    fn signatures(&self, story: &Story) -> Vec<Option<usize>> {
        let mut signatures: Vec<Option<usize>> = vec![None; self.nodes.len()];
        let mut known: HashMap<(Vec<String>, Vec<usize>), usize> = HashMap::new();
        // From the end, children precede their parents.
        for (node, _) in self.rows(false).into_iter().rev() {
            let name = match &self.nodes[node].kind {
                NodeKind::Request(part) => request_signature(&story.parts[*part]),
                NodeKind::Item { item, .. } => item_signature(item),
                NodeKind::Folded(_) => None,
            };
            let children = self.nodes[node].children.iter().map(|child| signatures[*child]);
            let children: Option<Vec<usize>> = children.collect();
            if let (Some(name), Some(mut children)) = (name, children) {
                children.sort_unstable();
                children.dedup();
                let next = known.len();
                signatures[node] = Some(*known.entry((name, children)).or_insert(next));
            }
        }
        signatures
    }

    /// Returns the equal calls that ran one after another, in the order of their rows.
    pub(crate) fn repeated(&self, story: &Story) -> Vec<Repeated> {
        let folded = self.rows(true).into_iter().filter_map(|(node, _)| self.repeated_calls(node));
        folded
            .map(|(part, call, members)| Repeated {
                name: call.name(),
                count: members.len(),
                total_ms: self.total_ms(members),
                service: match story.parts.len() {
                    1 => String::new(),
                    _ => story.parts[part].service.clone(),
                },
            })
            .collect()
    }

    /// Whether a row stands for many equal calls that ran one after another.
    pub(crate) fn is_repeated(&self, node: usize) -> bool {
        self.repeated_calls(node).is_some()
    }

    fn repeated_calls(&self, node: usize) -> Option<(usize, &'a Item, &[usize])> {
        let NodeKind::Folded(members) = &self.nodes[node].kind else { return None };
        let NodeKind::Item { part, item } = self.nodes[*members.first()?].kind else { return None };
        let times = members.iter().map(|node| (self.nodes[*node].start, self.nodes[*node].end));
        let union = to_ms(covered(times.collect()));
        let is_sequential = union >= self.total_ms(members) * SEQUENTIAL_SHARE;
        (item.is_call() && members.len() >= MIN_REPEATED && is_sequential)
            .then_some((part, item, members))
    }

    /// The sum of the durations of nodes.
    pub(crate) fn total_ms(&self, nodes: &[usize]) -> f64 {
        nodes.iter().map(|node| to_ms(self.nodes[*node].end - self.nodes[*node].start)).sum()
    }

    /// The shortest and the longest duration of nodes.
    pub(crate) fn range_ms(&self, nodes: &[usize]) -> (f64, f64) {
        let times = nodes.iter().map(|node| self.nodes[*node].end - self.nodes[*node].start);
        let (least, most) =
            times.fold((Micros::MAX, 0), |(least, most), time| (least.min(time), most.max(time)));
        (to_ms(least), to_ms(most))
    }
}

/// Returns the strings that equal requests share; `None` for a request with a problem or a note.
fn request_signature(part: &Part) -> Option<Vec<String>> {
    let end = part.end_line.as_ref()?;
    let is_plain = part.severity() == Severity::Good
        && end.level < Level::Warn
        && notes::of_part(part).is_empty();
    let route = match part.end_text("route") {
        route if route.is_empty() => part.path.clone(),
        route => route,
    };
    is_plain.then(|| vec!["request".to_owned(), part.service.clone(), part.method.clone(), route])
}

/// Returns the strings that equal items share; `None` for an item with a problem.
fn item_signature(item: &Item) -> Option<Vec<String>> {
    let line = item.line.as_ref()?;
    let is_plain =
        item.mark == Mark::None && line.level < Level::Warn && line.count("retries") == 0;
    let is_ok = !item.is_span() || item.outcome() == "ok";
    let name = match &item.kind {
        ItemKind::Step(name) => vec!["step".to_owned(), name.clone(), line.logger.clone()],
        ItemKind::Call { dependency, operation } => {
            let status = line.get("status").map(value_text).unwrap_or_default();
            vec!["call".to_owned(), dependency.clone(), operation.clone(), status]
        }
        ItemKind::Line => {
            vec!["line".to_owned(), line.level_name.clone(), line.message().to_owned()]
        }
        ItemKind::Unseen(_) | ItemKind::Gap(_) => return None,
    };
    (is_plain && is_ok).then_some(name)
}

/// The parts that are shown below calls of others.
struct Nesting {
    /// The part that each part is shown below.
    callers: Vec<Option<usize>>,
    /// The number of levels of parts below each part.
    heights: Vec<usize>,
}

impl Nesting {
    fn new(parts: usize) -> Self {
        Nesting { callers: vec![None; parts], heights: vec![0; parts] }
    }

    /// Puts `part` below `caller`. Returns `false` if `caller` is already below `part`, or if more than
    /// `MAX_NESTED` parts would be below each other.
    fn add(&mut self, part: usize, caller: usize) -> bool {
        let chain = std::iter::successors(Some(caller), |at| self.callers[*at]);
        let chain: Vec<usize> = chain.take(MAX_NESTED).collect();
        // Callees may come before their callers, so `part` may have parts below it already.
        if chain.len() + self.heights[part] >= MAX_NESTED || chain.contains(&part) {
            return false;
        }
        self.callers[part] = Some(caller);
        for (above, height) in chain.into_iter().zip(self.heights[part] + 1..) {
            self.heights[above] = self.heights[above].max(height);
        }
        true
    }
}
