//! Squarified treemaps: nearly square rectangles in proportion to values.

/// A rectangle, in units of the map.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Area {
    pub(super) x: f64,
    pub(super) y: f64,
    pub(super) width: f64,
    pub(super) height: f64,
}

impl Area {
    fn size(self) -> f64 {
        self.width * self.height
    }
}

/// Divides an area among values, which must be sorted, the largest first. Returns an area for each.
///
/// Adds values to a row along the shorter side while this brings the worst rectangle of the row closer to a square
/// (Bruls, Huizing and van Wijk, 2000).
pub(super) fn squarify(values: &[f64], area: Area) -> Vec<Area> {
    let total: f64 = values.iter().sum();
    if total <= 0.0 {
        return vec![Area { width: 0.0, height: 0.0, ..area }; values.len()];
    }
    let scale = area.size() / total;
    let mut left = area;
    let mut areas = Vec::with_capacity(values.len());
    let mut rest = values;
    while !rest.is_empty() {
        let side = left.width.min(left.height);
        let mut count = 1;
        while count < rest.len()
            && worst_ratio(&rest[..=count], side, scale) <= worst_ratio(&rest[..count], side, scale)
        {
            count += 1;
        }
        let (row, after) = rest.split_at(count);
        left = place_row(row, left, scale, &mut areas);
        rest = after;
    }
    areas
}

/// The worst ratio of width to height, or the reverse, of values in a row along a side.
fn worst_ratio(row: &[f64], side: f64, scale: f64) -> f64 {
    let sum: f64 = row.iter().sum::<f64>() * scale;
    let depth = sum / side;
    let ratio = |value: &f64| {
        let length = value * scale / depth;
        (length / depth).max(depth / length)
    };
    row.iter().map(ratio).fold(0.0, f64::max)
}

/// Places a row along the shorter side of an area. Returns the rest of the area.
fn place_row(row: &[f64], area: Area, scale: f64, areas: &mut Vec<Area>) -> Area {
    let sum: f64 = row.iter().sum::<f64>() * scale;
    let is_column = area.width >= area.height;
    let side = if is_column { area.height } else { area.width };
    let depth = if side > 0.0 { sum / side } else { 0.0 };
    let mut offset = 0.0;
    for value in row {
        let length = if depth > 0.0 { value * scale / depth } else { 0.0 };
        areas.push(if is_column {
            Area { x: area.x, y: area.y + offset, width: depth, height: length }
        } else {
            Area { x: area.x + offset, y: area.y, width: length, height: depth }
        });
        offset += length;
    }
    if is_column {
        Area { x: area.x + depth, width: (area.width - depth).max(0.0), ..area }
    } else {
        Area { y: area.y + depth, height: (area.height - depth).max(0.0), ..area }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn areas_are_in_proportion_and_fill_the_map_without_overlap() {
        let values = [6.0, 6.0, 4.0, 3.0, 2.0, 2.0, 1.0];
        let map = Area { x: 0.0, y: 0.0, width: 6.0, height: 4.0 };
        let areas = squarify(&values, map);
        for (value, area) in values.iter().zip(&areas) {
            assert!((area.size() - value).abs() < 1e-9, "{area:?} for {value}");
            assert!(area.x >= 0.0 && area.x + area.width <= 6.0 + 1e-9);
            assert!(area.y >= 0.0 && area.y + area.height <= 4.0 + 1e-9);
            assert!((area.width / area.height).max(area.height / area.width) < 3.5, "{area:?}");
        }
        for (index, one) in areas.iter().enumerate() {
            for other in &areas[index + 1..] {
                let apart = one.x + one.width <= other.x + 1e-9
                    || other.x + other.width <= one.x + 1e-9
                    || one.y + one.height <= other.y + 1e-9
                    || other.y + other.height <= one.y + 1e-9;
                assert!(apart, "{one:?} overlaps {other:?}");
            }
        }
    }

    #[test]
    fn a_map_without_values_has_no_areas() {
        let map = Area { x: 0.0, y: 0.0, width: 6.0, height: 4.0 };
        assert!(squarify(&[], map).is_empty());
        assert!(squarify(&[0.0], map)[0].size() < 1e-9);
    }
}
