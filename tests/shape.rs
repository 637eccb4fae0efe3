//! The design, held by a machine: who may use whom, how long things may be, where `unsafe` may
//! stand, what a program that links to netberth sees. Each rule reads the sources as text, and each
//! has a test that shows it a bad sample, so that a rule which no longer bites is found out.

#[cfg(test)]
mod shape {
    mod exports;
    mod imports;
    mod length;
    mod lexer;
    mod project;
    mod safety;
    mod sources;
    mod words;

    /// Fails with every breach of a rule on a line of its own.
    #[track_caller]
    fn hold(law: &str, breaches: &[String]) {
        assert!(breaches.is_empty(), "{law}\n  {}", breaches.join("\n  "));
    }

    /// That a rule sees what is wrong with a bad sample.
    #[track_caller]
    fn bites(breaches: &[String], expected: &[&str]) {
        assert_eq!(breaches.len(), expected.len(), "{breaches:#?}");
        for (breach, expected) in breaches.iter().zip(expected) {
            assert!(breach.contains(expected), "{breach:?} does not say {expected:?}");
        }
    }
}
