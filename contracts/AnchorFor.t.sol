// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {AnchorRegistry} from "./AnchorRegistry.sol";
import {IAnchorRegistry} from "./IAnchorRegistry.sol";
import {ContractWallet} from "./test/ContractWallet.sol";
import {SignedAnchor, digestOf} from "./test/SignedAnchor.sol";
import {SolidityTest} from "./test/Vm.sol";

contract AnchorForTest is SolidityTest {
    uint256 private constant KEY = 0xA11CE;
    uint256 private constant CURVE_ORDER = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141;
    address private constant RELAYER = address(0xCAFE);
    bytes32 private constant ROOT = keccak256("root");

    AnchorRegistry private registry;
    address private publisher;
    SignedAnchor private wanted;

    function setUp() public {
        registry = new AnchorRegistry();
        publisher = vm.addr(KEY);
        vm.warp(1_700_000_000);
        wanted = SignedAnchor(publisher, ROOT, 5, 0, block.timestamp + 60);
    }

    function testFuzz_anchorFor_anchorsInThePublishersName(address relayer, bytes32 root, uint32 leafCount) public {
        vm.assume(root != 0 && leafCount != 0);
        wanted.root = root;
        wanted.leafCount = leafCount;
        bytes32 expected = keccak256(abi.encode(bytes32(0), root, leafCount, block.timestamp));
        bytes memory signature = _sign(KEY, wanted);
        vm.expectEmit(address(registry));
        emit IAnchorRegistry.Anchored(publisher, root, leafCount, expected);
        vm.prank(relayer);
        bytes32 head = registry.anchorFor(publisher, root, leafCount, wanted.deadline, signature);
        vm.assertEq(head, expected);
        vm.assertEq(registry.head(publisher), expected);
        vm.assertEq(registry.nonces(publisher), 1);
        (, , uint32 stored) = registry.anchorOf(publisher, root);
        vm.assertEq(stored, leafCount);
    }

    function test_anchorFor_repeatSucceedsAndKeepsTheNonce() public {
        bytes memory signature = _sign(KEY, wanted);
        bytes32 head = _submit(wanted, signature);
        vm.warp(wanted.deadline + 1);
        vm.recordLogs();
        vm.assertEq(_submit(wanted, signature), head);
        vm.assertEq(_submit(wanted, "not a signature"), head);
        vm.assertEq(vm.getRecordedLogs().length, 0);
        vm.assertEq(registry.nonces(publisher), 1);
    }

    function test_anchorFor_theNextSignatureHasTheNextNonce() public {
        _submit(wanted, _sign(KEY, wanted));
        wanted.root = keccak256("second");
        _refuse(wanted, _sign(KEY, wanted), 1);
        wanted.nonce = 1;
        _submit(wanted, _sign(KEY, wanted));
        vm.assertEq(registry.nonces(publisher), 2);
    }

    /// @dev The publisher's own `anchor` leaves the signature good, and good for nothing: it can only repeat what is there.
    function test_anchorFor_aSignatureForWhatIsAnchoredAlreadyDoesNothing() public {
        vm.prank(publisher);
        bytes32 head = registry.anchor(ROOT, 5);
        vm.assertEq(_submit(wanted, _sign(KEY, wanted)), head);
        vm.assertEq(registry.nonces(publisher), 0);
    }

    function test_anchorFor_refusesAnotherLeafCountAlsoWhenSigned() public {
        _submit(wanted, _sign(KEY, wanted));
        wanted.leafCount = 6;
        wanted.nonce = 1;
        bytes memory signature = _sign(KEY, wanted);
        vm.expectRevert(abi.encodeWithSelector(IAnchorRegistry.AnchorMismatch.selector, ROOT, 5, 6));
        _submit(wanted, signature);
        vm.assertEq(registry.nonces(publisher), 1);
    }

    function testFuzz_anchorFor_refusesAfterTheDeadline(uint256 late) public {
        vm.assume(late > wanted.deadline);
        bytes memory signature = _sign(KEY, wanted);
        vm.warp(late);
        vm.expectRevert(abi.encodeWithSelector(IAnchorRegistry.DeadlineExpired.selector, wanted.deadline, late));
        _submit(wanted, signature);
    }

    function test_anchorFor_isGoodInTheLastSecond() public {
        bytes memory signature = _sign(KEY, wanted);
        vm.warp(wanted.deadline);
        _submit(wanted, signature);
        vm.assertEq(registry.nonces(publisher), 1);
    }

    function testFuzz_anchorFor_refusesAnotherKey(uint256 key) public {
        key = 1 + (key % (CURVE_ORDER - 1));
        vm.assume(key != KEY);
        _refuse(wanted, _sign(key, wanted), 0);
    }

    function testFuzz_anchorFor_refusesWhatWasNotSigned(uint8 member, uint256 change) public {
        bytes memory signature = _sign(KEY, wanted);
        SignedAnchor memory other = wanted;
        if (member % 4 == 0) other.root = bytes32(change);
        else if (member % 4 == 1) other.leafCount = uint32(change);
        else if (member % 4 == 2) other.publisher = address(uint160(change | 1 << 100));
        else other.deadline = block.timestamp + (change >> 1);
        vm.assume(other.root != 0 && other.leafCount != 0);
        vm.assume(keccak256(abi.encode(other)) != keccak256(abi.encode(wanted)));
        _refuse(other, signature, 0);
    }

    function testFuzz_anchorFor_refusesASignatureForAnotherChain(uint64 chainId) public {
        vm.assume(chainId != 0 && chainId != block.chainid);
        bytes memory signature = _sign(KEY, wanted);
        vm.chainId(chainId);
        _refuse(wanted, signature, 0);
    }

    function test_anchorFor_refusesASignatureForAnotherContract() public {
        AnchorRegistry other = new AnchorRegistry();
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(KEY, digestOf(wanted, block.chainid, address(other)));
        _refuse(wanted, abi.encodePacked(r, s, v), 0);
    }

    function test_anchorFor_refusesTheMirroredSignature() public {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(KEY, digestOf(wanted, block.chainid, address(registry)));
        _refuse(wanted, abi.encodePacked(r, CURVE_ORDER - uint256(s), v == 27 ? uint8(28) : uint8(27)), 0);
    }

    function testFuzz_anchorFor_refusesGarbage(bytes memory signature) public {
        _refuse(wanted, signature, 0);
    }

    function testFuzz_anchorFor_refusesTheZeroPublisher(bytes memory signature) public {
        wanted.publisher = address(0);
        _refuse(wanted, signature, 0);
    }

    function test_anchorFor_refusesZeroRootAndZeroLeafCount() public {
        vm.expectRevert(abi.encodeWithSelector(IAnchorRegistry.ZeroRoot.selector, 5));
        registry.anchorFor(publisher, 0, 5, wanted.deadline, "");
        vm.expectRevert(abi.encodeWithSelector(IAnchorRegistry.ZeroLeafCount.selector, ROOT));
        registry.anchorFor(publisher, ROOT, 0, wanted.deadline, "");
    }

    function test_anchorFor_asksAContractWallet() public {
        ContractWallet wallet = new ContractWallet();
        wanted.publisher = address(wallet);
        _refuse(wanted, "", 0);
        wallet.setApproval(digestOf(wanted, block.chainid, address(registry)), true);
        bytes32 head = _submit(wanted, "");
        vm.assertEq(registry.head(address(wallet)), head);
        vm.assertEq(registry.nonces(address(wallet)), 1);
        wanted.root = keccak256("second");
        _refuse(wanted, "", 1);
    }

    function test_anchorFor_aContractThatIsNoWalletSignsNothing() public {
        wanted.publisher = address(registry);
        _refuse(wanted, _sign(KEY, wanted), 0);
    }

    function _sign(uint256 key, SignedAnchor memory signed) private view returns (bytes memory) {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(key, digestOf(signed, block.chainid, address(registry)));
        return abi.encodePacked(r, s, v);
    }

    function _submit(SignedAnchor memory signed, bytes memory signature) private returns (bytes32) {
        vm.prank(RELAYER);
        return registry.anchorFor(signed.publisher, signed.root, signed.leafCount, signed.deadline, signature);
    }

    function _refuse(SignedAnchor memory signed, bytes memory signature, uint256 nonce) private {
        bytes32 head = registry.head(signed.publisher);
        vm.expectRevert(
            abi.encodeWithSelector(
                IAnchorRegistry.InvalidAnchorSignature.selector,
                signed.publisher,
                signed.root,
                signed.leafCount,
                nonce,
                signed.deadline
            )
        );
        _submit(signed, signature);
        vm.assertEq(registry.head(signed.publisher), head);
        vm.assertEq(registry.nonces(signed.publisher), nonce);
    }
}
