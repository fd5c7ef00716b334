//! Names of constants, wherever they stand.

#![expect(clippy::string_slice, reason = "places are compared by what stands there")]

use aquarium_compiler::references::{ConstantUsage, constants};
use aquarium_compiler::{SourceFile, analyze};

#[test]
fn constants_are_found_where_they_are_defined_and_used() {
    let text = "aquariumpolicy:
  constants: {large: 1_000, 'free': 10 GB, unused: 1}
  resources:
    - {name: up, unit: GB, costpolicy: discrete}
  algorithms:
    - name: all
      up: |
        // free is no word of a comment
        price * max(0, total - free) / free * volume
    - name: function
      up: (price, volume) => { const unused = 1; return price * volume * unused; }
  pricelists:
    - {name: base, up: large}
    - {name: rated, up: large per large GB}
    - name: tiered
      up:
        tiers:
          - {upto: free, price: 3 per large GB}
          - {price: 2 per large}
  agreements:
    - {name: default, algorithm: all, pricelist: base}
";
    let items = analyze(vec![SourceFile { path: "a".to_owned(), bytes: text.as_bytes().to_vec() }]).items;
    let found = constants(&items);
    let uses = |name: &str| {
        let places = found.iter().filter(|it| it.name == name);
        places.map(|it| (it.usage, &text[it.span.start as usize..it.span.end as usize])).collect::<Vec<_>>()
    };
    use ConstantUsage::{Definition, Expression, Price};
    let free = [(Definition, "'free'"), (Expression, "free"), (Expression, "free"), (Price, "free")];
    assert_eq!(uses("free"), free);
    let large =
        [(Definition, "large"), (Price, "large"), (Price, "large"), (Price, "large"), (Price, "large")];
    assert_eq!(uses("large"), large);
    assert_eq!(uses("unused"), [(Definition, "unused")]);
}
