// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {AnchorRegistry} from "./AnchorRegistry.sol";
import {IAnchorRegistry} from "./IAnchorRegistry.sol";
import {SolidityTest} from "./test/Vm.sol";

contract AnchorRegistryTest is SolidityTest {
    address private constant ALICE = address(0xA11CE);
    address private constant BOB = address(0xB0B);
    bytes32 private constant ROOT = keccak256("root");

    AnchorRegistry private registry;

    function setUp() public {
        registry = new AnchorRegistry();
        vm.warp(1_700_000_000);
        vm.roll(1_000);
    }

    function testFuzz_anchor_storesEmitsAndReturnsTheHead(
        address publisher,
        bytes32 root,
        uint32 leafCount,
        uint64 blockNumber,
        uint64 blockTimestamp
    ) public {
        vm.assume(root != 0 && leafCount != 0 && blockTimestamp != 0);
        vm.roll(blockNumber);
        vm.warp(blockTimestamp);
        bytes32 expected = keccak256(abi.encode(bytes32(0), root, leafCount, uint256(blockTimestamp)));
        vm.expectEmit(address(registry));
        emit IAnchorRegistry.Anchored(publisher, root, leafCount, expected);
        vm.prank(publisher);
        vm.assertEq(registry.anchor(root, leafCount), expected);
        vm.assertEq(registry.head(publisher), expected);
        _requireEntry(publisher, root, blockNumber, blockTimestamp, leafCount);
    }

    function test_anchor_chainsEachHeadToTheOneBefore() public {
        bytes32 first = _anchor(ALICE, ROOT, 3);
        vm.warp(1_700_000_012);
        bytes32 second = _anchor(ALICE, keccak256("second"), 7);
        vm.assertEq(second, keccak256(abi.encode(first, keccak256("second"), uint32(7), uint256(1_700_000_012))));
    }

    function testFuzz_anchor_repeatChangesNothing(uint32 leafCount, uint64 laterBlock, uint64 laterTime) public {
        vm.assume(leafCount != 0);
        bytes32 first = _anchor(ALICE, ROOT, leafCount);
        bytes32 last = _anchor(ALICE, keccak256("second"), 1);
        vm.assertTrue(first != last);
        vm.roll(laterBlock);
        vm.warp(laterTime);
        vm.recordLogs();
        vm.assertEq(_anchor(ALICE, ROOT, leafCount), last);
        vm.assertEq(vm.getRecordedLogs().length, 0);
        vm.assertEq(registry.head(ALICE), last);
        _requireEntry(ALICE, ROOT, 1_000, 1_700_000_000, leafCount);
    }

    function testFuzz_anchor_refusesAnotherLeafCount(uint32 anchored, uint32 offered) public {
        vm.assume(anchored != 0 && offered != 0 && anchored != offered);
        bytes32 head = _anchor(ALICE, ROOT, anchored);
        vm.expectRevert(abi.encodeWithSelector(IAnchorRegistry.AnchorMismatch.selector, ROOT, anchored, offered));
        _anchor(ALICE, ROOT, offered);
        vm.assertEq(registry.head(ALICE), head);
        _requireEntry(ALICE, ROOT, 1_000, 1_700_000_000, anchored);
    }

    function testFuzz_anchor_refusesAZeroRoot(uint32 leafCount) public {
        vm.expectRevert(abi.encodeWithSelector(IAnchorRegistry.ZeroRoot.selector, leafCount));
        _anchor(ALICE, 0, leafCount);
    }

    function testFuzz_anchor_refusesAZeroLeafCount(bytes32 root) public {
        vm.assume(root != 0);
        vm.expectRevert(abi.encodeWithSelector(IAnchorRegistry.ZeroLeafCount.selector, root));
        _anchor(ALICE, root, 0);
    }

    function testFuzz_anchor_nobodyBlocksAnothersRoot(uint32 bobsCount, uint32 alicesCount) public {
        vm.assume(bobsCount != 0 && alicesCount != 0);
        bytes32 bobsHead = _anchor(BOB, ROOT, bobsCount);
        _anchor(ALICE, ROOT, alicesCount);
        vm.assertEq(registry.head(BOB), bobsHead);
        _requireEntry(BOB, ROOT, 1_000, 1_700_000_000, bobsCount);
        _requireEntry(ALICE, ROOT, 1_000, 1_700_000_000, alicesCount);
    }

    function testFuzz_anchorMany_equalsOneByOne(bytes32[] memory roots, uint8 distinct) public {
        IAnchorRegistry.Batch[] memory batches = _batchesOf(roots, distinct);
        vm.prank(ALICE);
        bytes32 head = registry.anchorMany(batches);
        for (uint256 i = 0; i < batches.length; ++i) _anchor(BOB, batches[i].root, batches[i].leafCount);
        vm.assertEq(head, registry.head(BOB));
        vm.assertEq(registry.head(ALICE), head);
        for (uint256 i = 0; i < batches.length; ++i) {
            _requireEntry(ALICE, batches[i].root, 1_000, 1_700_000_000, batches[i].leafCount);
        }
    }

    function testFuzz_anchorMany_isAllOrNothing(bytes32[] memory roots, uint256 badPlace) public {
        vm.assume(roots.length != 0);
        IAnchorRegistry.Batch[] memory batches = _batchesOf(roots, 255);
        uint256 bad = badPlace % batches.length;
        batches[bad].leafCount = 0;
        vm.expectRevert(abi.encodeWithSelector(IAnchorRegistry.ZeroLeafCount.selector, batches[bad].root));
        vm.prank(ALICE);
        registry.anchorMany(batches);
        vm.assertEq(registry.head(ALICE), 0);
        for (uint256 i = 0; i < batches.length; ++i) _requireEntry(ALICE, batches[i].root, 0, 0, 0);
    }

    function test_anchorMany_refusesAMismatchWithinTheCall() public {
        IAnchorRegistry.Batch[] memory batches = new IAnchorRegistry.Batch[](2);
        batches[0] = IAnchorRegistry.Batch(ROOT, 1);
        batches[1] = IAnchorRegistry.Batch(ROOT, 2);
        vm.expectRevert(abi.encodeWithSelector(IAnchorRegistry.AnchorMismatch.selector, ROOT, 1, 2));
        vm.prank(ALICE);
        registry.anchorMany(batches);
    }

    function test_anchorMany_ofNothingChangesNothing() public {
        bytes32 head = _anchor(ALICE, ROOT, 1);
        vm.prank(ALICE);
        vm.assertEq(registry.anchorMany(new IAnchorRegistry.Batch[](0)), head);
    }

    function testFuzz_verify_needsAnAnchorOfThatPublisher(bytes32 left, bytes32 right) public {
        bytes32 root = left < right ? keccak256(abi.encode(left, right)) : keccak256(abi.encode(right, left));
        bytes32[] memory proof = new bytes32[](1);
        proof[0] = right;
        vm.assertEq(registry.verify(ALICE, root, left, proof), false);
        _anchor(ALICE, root, 2);
        vm.assertEq(registry.verify(ALICE, root, left, proof), true);
        vm.assertEq(registry.verify(BOB, root, left, proof), false);
        vm.assertEq(registry.verify(ALICE, root, keccak256(abi.encode(left)), proof), false);
    }

    function test_verify_aRootOfOneLeafIsThatLeaf() public {
        _anchor(ALICE, ROOT, 1);
        vm.assertEq(registry.verify(ALICE, ROOT, ROOT, new bytes32[](0)), true);
        vm.assertEq(registry.verify(ALICE, 0, 0, new bytes32[](0)), false);
    }

    function _anchor(address publisher, bytes32 root, uint32 leafCount) private returns (bytes32) {
        vm.prank(publisher);
        return registry.anchor(root, leafCount);
    }

    /// @dev At most `distinct` different roots, so that there are repeats; the leafCount follows from the root.
    function _batchesOf(
        bytes32[] memory roots,
        uint8 distinct
    ) private pure returns (IAnchorRegistry.Batch[] memory batches) {
        batches = new IAnchorRegistry.Batch[](roots.length);
        for (uint256 i = 0; i < roots.length; ++i) {
            uint256 place = i % (uint256(distinct) + 1);
            bytes32 root = keccak256(abi.encode(roots[place], place));
            batches[i] = IAnchorRegistry.Batch(root, uint32(uint256(root)) | 1);
        }
    }

    function _requireEntry(
        address publisher,
        bytes32 root,
        uint64 blockNumber,
        uint64 blockTimestamp,
        uint32 leafCount
    ) private view {
        (uint64 storedNumber, uint64 storedTimestamp, uint32 storedCount) = registry.anchorOf(publisher, root);
        vm.assertEq(storedNumber, blockNumber);
        vm.assertEq(storedTimestamp, blockTimestamp);
        vm.assertEq(storedCount, leafCount);
    }
}
