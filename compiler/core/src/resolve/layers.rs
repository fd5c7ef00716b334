//! Timelines, put together from layers and kept small.

use aquarium_ir::time::{Body, FrameId, Layer, Timeline};

/// Makes a timeline of layers, first match first; `None` as a value is a gap.
///
/// Layers that can never decide are left out, so that equal meanings mostly have equal timelines.
pub fn stack<T: Clone + PartialEq>(
    layers: impl IntoIterator<Item = (Option<FrameId>, Body<T>)>,
) -> Timeline<T> {
    let mut kept: Vec<Layer<T>> = Vec::new();
    for (frame, body) in layers {
        // There are few layers: looking through them is quicker than a set.
        if kept.iter().any(|layer| layer.frame == frame) {
            continue;
        }
        kept.push(Layer { frame, body: flatten(body) });
        if frame.is_none() {
            break;
        }
    }
    drop_what_changes_nothing(&mut kept);
    // Most have one layer, and there are more of them than of anything else.
    kept.shrink_to_fit();
    match kept.pop() {
        Some(Layer { frame: None, body: Body::Timeline(inner) }) if kept.is_empty() => inner,
        last => {
            kept.extend(last);
            Timeline(kept)
        }
    }
}

/// The body of a value, or of a gap.
pub fn body<T>(value: Option<T>) -> Body<T> {
    value.map_or_else(|| Body::Timeline(Timeline::default()), Body::Value)
}

/// `first` where it gives something, `second` elsewhere.
pub fn fill<T: Clone + PartialEq>(first: &Timeline<T>, second: &Timeline<T>) -> Timeline<T> {
    if second.0.is_empty() {
        return first.clone();
    }
    let own = first.0.iter().map(|layer| (layer.frame, fill_body(&layer.body, second)));
    stack(own.chain([(None, Body::Timeline(second.clone()))]))
}

fn fill_body<T: Clone + PartialEq>(body: &Body<T>, second: &Timeline<T>) -> Body<T> {
    match body {
        Body::Value(value) => Body::Value(value.clone()),
        Body::Timeline(inner) => Body::Timeline(fill(inner, second)),
    }
}

fn flatten<T>(body: Body<T>) -> Body<T> {
    let Body::Timeline(Timeline(mut layers)) = body else { return body };
    match layers.pop() {
        Some(Layer { frame: None, body }) if layers.is_empty() => body,
        last => {
            layers.extend(last);
            Body::Timeline(Timeline(layers))
        }
    }
}

/// A gap at the end is what the end means anyway; a layer before an unconditional one of the same
/// body decides nothing.
fn drop_what_changes_nothing<T: PartialEq>(layers: &mut Vec<Layer<T>>) {
    while matches!(layers.last(), Some(Layer { body: Body::Timeline(inner), .. }) if inner.0.is_empty()) {
        layers.pop();
    }
    while let [.., before, last] = layers.as_slice() {
        if last.frame.is_some() || before.body != last.body {
            break;
        }
        let place = layers.len() - 2;
        layers.remove(place);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: Option<FrameId> = Some(FrameId(0));
    const WEEK: Option<FrameId> = Some(FrameId(1));

    fn layer(frame: Option<FrameId>, body: Body<u8>) -> Layer<u8> {
        Layer { frame, body }
    }

    #[test]
    fn what_can_never_decide_is_left_out() {
        let layers =
            [(DAY, body(Some(1))), (DAY, body(Some(2))), (None, body(Some(3))), (WEEK, body(Some(4)))];
        let expected = vec![layer(DAY, Body::Value(1)), layer(None, Body::Value(3))];
        assert_eq!(stack(layers), Timeline(expected));
    }

    #[test]
    fn a_layer_above_its_own_value_is_no_layer() {
        let layers = [(DAY, body(Some(1))), (WEEK, body(Some(1))), (None, body(Some(1)))];
        assert_eq!(stack(layers), Timeline(vec![layer(None, Body::Value(1))]));
    }

    #[test]
    fn gaps_are_filled_wherever_they_are() {
        let own = stack([(DAY, body(None)), (WEEK, body(Some(1)))]);
        let rest = stack([(None, body(Some(2)))]);
        let expected =
            vec![layer(DAY, Body::Value(2)), layer(WEEK, Body::Value(1)), layer(None, Body::Value(2))];
        assert_eq!(fill(&own, &rest), Timeline(expected));
    }
}
