"""The promises with live evidence: what is kept, by what kind of proof, and how a lie would be noticed."""
