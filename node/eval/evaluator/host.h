// The JavaScript that stands around a script: what makes the input's objects and lists behave as
// the reference's (Java's maps and lists: `$.list.get(0)`, `$.map.size()`), and what tells errors
// that a script made from those of the engine. Evaluated once at start; nothing of it is a global
// variable.
#pragma once

// An expression whose value is the array
// [prototype of maps, prototype of lists, function (error) → made by the script, function (map) →
// array of its entries, 3 boxed values, a map].
extern const char host_script[];
