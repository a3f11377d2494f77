#[allow(clippy::all, clippy::pedantic, missing_debug_implementations, non_camel_case_types, private_interfaces)]
#[allow(unreachable_pub, unused)]
const _: () = {
    pub struct __SubscriptionFields<__M: 'static, __P: ::fastness::__private::index::FieldLocation> {
        pub plan: ::fastness::__private::index::FieldPath<
            __M,
            String,
            ::fastness::__private::index::StructField<__P, Subscription, 0usize>,
        >,
        pub since: ::fastness::__private::index::FieldPath<
            __M,
            ::fastness::__private::index::Converted<Timestamp>,
            ::fastness::__private::index::StructField<__P, Subscription, 1usize>,
        >,
    }
    impl<__M: 'static, __P: ::fastness::__private::index::FieldLocation> ::fastness::__private::index::FieldSet
        for __SubscriptionFields<__M, __P>
    {
        const ALL: &'static Self = &__SubscriptionFields {
            plan: ::fastness::__private::index::FieldPath::NEW,
            since: ::fastness::__private::index::FieldPath::NEW,
        };
    }
    impl ::fastness::__private::index::Nested for Subscription {
        type Fields<__M: 'static, __P: ::fastness::__private::index::FieldLocation> = __SubscriptionFields<__M, __P>;
    }
    impl ::fastness::__private::index::StoredFields for Subscription {
        const SEGMENTS: &'static [::fastness::__private::index::StoredField] = {
            use ::fastness::__private::index::DefaultFacts as _;
            & [:: fastness :: __private :: index :: StoredField { name : :: core :: option :: Option :: Some ("plan") , array : :: fastness :: __private :: index :: TypeFacts :: < String > :: ARRAY , null : :: fastness :: __private :: index :: TypeFacts :: < String > :: NULL , nullable : :: fastness :: __private :: index :: TypeFacts :: < String > :: NULL , holds : :: fastness :: __private :: index :: TypeFacts :: < String > :: HOLDS , items : :: fastness :: __private :: index :: TypeFacts :: < String > :: ITEMS , } , :: fastness :: __private :: index :: StoredField { name : :: core :: option :: Option :: Some ("since") , array : :: fastness :: __private :: index :: TypeFacts :: < :: fastness :: __private :: index :: Converted < Timestamp > > :: ARRAY , null : :: fastness :: __private :: index :: TypeFacts :: < :: fastness :: __private :: index :: Converted < Timestamp > > :: NULL , nullable : :: fastness :: __private :: index :: TypeFacts :: < :: fastness :: __private :: index :: Converted < Timestamp > > :: NULL , holds : :: fastness :: __private :: index :: TypeFacts :: < :: fastness :: __private :: index :: Converted < Timestamp > > :: HOLDS , items : :: fastness :: __private :: index :: TypeFacts :: < :: fastness :: __private :: index :: Converted < Timestamp > > :: ITEMS , } ,]
        };
    }
};
