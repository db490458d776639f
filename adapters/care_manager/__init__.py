"""Care-manager offices (居宅介護支援): files of ケアプランデータ連携標準仕様 4.1 → FHIR R4."""

from adapters.care_manager.convert import CareManagerAdapter

adapter = CareManagerAdapter()
