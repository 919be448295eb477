// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {AnchorRegistry} from "./AnchorRegistry.sol";
import {IAnchorRegistry} from "./IAnchorRegistry.sol";
import {SignedAnchor, digestOf} from "./test/SignedAnchor.sol";
import {SolidityTest} from "./test/Vm.sol";

/// @dev One call per test: what it costs is kept in `.gas-snapshot`. The publisher has anchored before, as it nearly always has.
contract AnchorRegistryGas is SolidityTest {
    uint256 private constant KEY = 0xA11CE;
    bytes32 private constant ROOT = keccak256("root");

    AnchorRegistry private registry;
    address private publisher;
    bytes private signature;

    function setUp() public {
        registry = new AnchorRegistry();
        publisher = vm.addr(KEY);
        vm.prank(publisher);
        registry.anchor(ROOT, 1_000);
        SignedAnchor memory signed = SignedAnchor(publisher, keccak256("new"), 1_000, 0, type(uint256).max);
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(KEY, digestOf(signed, block.chainid, address(registry)));
        signature = abi.encodePacked(r, s, v);
    }

    function test_gas_anchor() public {
        vm.prank(publisher);
        registry.anchor(keccak256("new"), 1_000);
    }

    function test_gas_anchorRepeat() public {
        vm.prank(publisher);
        registry.anchor(ROOT, 1_000);
    }

    function test_gas_anchorMany1() public {
        _anchorMany(1);
    }

    function test_gas_anchorMany11() public {
        _anchorMany(11);
    }

    function test_gas_anchorFor() public {
        registry.anchorFor(publisher, keccak256("new"), 1_000, type(uint256).max, signature);
    }

    function test_gas_verifyWith20Siblings() public view {
        registry.verify(publisher, ROOT, ROOT, new bytes32[](20));
    }

    function _anchorMany(uint256 count) private {
        IAnchorRegistry.Batch[] memory batches = new IAnchorRegistry.Batch[](count);
        for (uint256 i = 0; i < count; ++i) batches[i] = IAnchorRegistry.Batch(keccak256(abi.encode(i)), 1_000);
        vm.prank(publisher);
        registry.anchorMany(batches);
    }
}
