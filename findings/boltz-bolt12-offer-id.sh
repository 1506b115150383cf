#!/usr/bin/env bash
# npm boltz-bolt12 0.2.0, made from LDK's `lightning` crate (seen with Node.js 20 on 2026-12-01).
#
# BOLT 12 defines the merkle root of an offer's records, and no id of an offer. Tools show an "offer id" all the same,
# and each means something else: eclair the merkle root, Core Lightning the SHA-256 of the bytes, LDK and what is made
# from it a tagged hash of the root under the tag "LDK Offer ID". One would guess that the same word for the same offer
# is the same number. Its input here is the smallest offer that there is, one record with an issuer id.
#
# Output: id 0e8fee07…, merkle root 6646d076…, sha256 822d19d0…, and that the id is the tagged hash.
#
# Doze because of it: its offer_id is the merkle root; `doze decode` shows the two others, too, by the names of who uses
# them. Test: DecodeKinds.the_ids_that_other_implementations_give_an_offer_are_shown_by_name.
set -euo pipefail
command -v npm >/dev/null || { echo "there is no npm here" >&2; exit 77; }
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT
(cd "$folder" && npm init -y >/dev/null && npm install --silent --no-fund --no-audit boltz-bolt12@0.2.0) >&2 ||
  { echo "the package cannot be had here" >&2; exit 77; }
cat >"$folder/id.mjs" <<'X'
import { createHash } from "node:crypto";
import { Offer } from "boltz-bolt12";

const sha256 = (...parts) => createHash("sha256").update(Buffer.concat(parts)).digest();
const tagged = (tag, data) => sha256(sha256(tag), sha256(tag), data);
const text = "lno1zcss9mk8y3wkklfvevcrszlmu23kfrxh49px20665dqwmn4p72pksese";
const alphabet = "qpzry9x8gf2tvdw0s3jn54khce6mua7l";
const bits = [...text.slice(4)].map((letter) => alphabet.indexOf(letter).toString(2).padStart(5, "0")).join("");
const record = Buffer.from(bits.match(/.{8}/g).map((byte) => parseInt(byte, 2)));
// BOLT 12, "Signature Calculation", for an offer of a single record.
const leaf = tagged(Buffer.from("LnLeaf"), record);
const nonce = tagged(Buffer.concat([Buffer.from("LnNonce"), record]), record.subarray(0, 1));
const root = tagged(Buffer.from("LnBranch"), Buffer.concat([leaf, nonce].sort(Buffer.compare)));
const id = Buffer.from(new Offer(text).id);
console.log("id          ", id.toString("hex"));
console.log("merkle root ", root.toString("hex"));
console.log("sha256      ", sha256(record).toString("hex"));
console.log("tagged hash ", tagged(Buffer.from("LDK Offer ID"), root).equals(id) ? "is the id" : "is not the id");
X
found=$(node --no-warnings --experimental-wasm-modules "$folder/id.mjs")
echo "$found"
[ "$found" = "id           0e8fee07fd5f23ac74553b96e7d72b89cae29a2b5d0eb21dcea4a34c4ee71fcc
merkle root  6646d076c396c98ac05975a1c68fc327c5116e8853ce186b4a0e0787e4517c38
sha256       822d19d0aab7f2443e7b3eada22a84111a5cf3dfce760e5426f31e62c790ebf9
tagged hash  is the id" ] || { echo "it has changed" >&2; exit 1; }
